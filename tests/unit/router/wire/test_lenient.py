"""JSON from providers that is not what it should be: read as far as it goes, refused where it can't be read at all."""

import msgspec
import pytest

from services.router.wire.lenient import LenientDecoder
from services.runtime.errors import ProviderBroken


class Usage(msgspec.Struct):
    prompt: int | None = None


class Kind(msgspec.Struct):
    text: str | None = None
    kept: msgspec.Raw = msgspec.Raw()
    usage: Usage | None = None
    count: int | None = None


decode = LenientDecoder(Kind).decode


def test_half_a_surrogate_pair_is_kept_where_text_may_be() -> None:
    assert decode(b'{"text":"cut in two: \\ud83d"}').text == "cut in two: \ud83d"


@pytest.mark.parametrize("member", ("count", "usage"))
def test_half_a_surrogate_pair_counts_as_absent_where_no_text_should_be(member: str) -> None:
    found = decode(b'{"text":"kept","%b":"\\ud800"}' % member.encode())
    assert found == Kind(text="kept")


def test_half_a_surrogate_pair_may_stand_in_a_name() -> None:
    assert decode(b'{"usage":{"\\ud800":1,"prompt":2}}').usage == Usage(2)


def test_numbers_stay_numbers_in_what_is_kept_as_it_came() -> None:
    found = decode(b'{"text":"\\ud83d","kept":{"price":1.5,"count":2}}')
    assert msgspec.json.decode(found.kept) == {"price": 1.5, "count": 2}


def test_a_number_beyond_all_bounds_can_not_be_read() -> None:
    with pytest.raises(ProviderBroken):
        decode(b'{"text":"\\ud800","x":1e99999999999999999999}')
