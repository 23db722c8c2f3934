import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidField
from services.runtime.secret_keys import fingerprint, last_four, secret

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=4_096)


@given(PRINTABLE)
def test_printable_ascii_is_a_key_as_it_is(value: str) -> None:
    assert secret("secret", value) == value


@pytest.mark.parametrize("value", ("", " ", "a b", "a\n", "\x7f", "é", "x" * 4_097))
def test_anything_else_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        secret("secret", value)
    assert caught.value.metadata["value"] == f"{len(value)} characters"


@given(PRINTABLE)
def test_what_is_told_of_a_key_is_at_most_a_fifth_of_it(value: str) -> None:
    told = last_four(value)
    assert value.endswith(told)
    assert len(told) * 5 <= len(value)


def test_the_end_is_told_from_twenty_characters_on() -> None:
    assert last_four("x" * 16 + "tail") == "tail"
    assert last_four("x" * 15 + "tail") == ""


def test_only_who_has_the_pepper_can_tell_whose_fingerprint_it_is() -> None:
    marks = [fingerprint(pepper, key) for pepper in (b"a", b"b") for key in ("one", "two")]
    assert len(set(marks)) == 4
    assert all(len(mark) == 32 for mark in marks)
    assert fingerprint(b"a", "one") == marks[0]
