import pytest

from services.router.chat import check_tags
from services.runtime.errors import InvalidField


def test_tags_within_their_limits_pass() -> None:
    check_tags({})
    check_tags({f"key-{number}": "" for number in range(16)})
    check_tags({"k" * 64: "v" * 256, "team": "Suche & Größe 🙂"})


@pytest.mark.parametrize(
    ("tags", "field", "value"),
    (
        ({f"key-{number}": "" for number in range(17)}, "tags", "17"),
        ({"": "x"}, "tags", ""),
        ({"k" * 65: "x"}, "tags", "k" * 65),
        ({"team": "v" * 257}, "tags.team", "v" * 200),
        ({"te\nam": "x"}, "tags", "te\nam"),
        ({"team": "a\x00b"}, "tags.team", "a\x00b"),
        ({"team": "\ud800"}, "tags.team", "\ud800"),
    ),
)
def test_tags_beyond_them_are_refused(tags: dict[str, str], field: str, value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_tags(tags)
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == (field, value)
    assert caught.value.metadata["allowed"]
