import pytest

from services.auth import fields
from services.runtime.errors import InvalidField


def test_a_name_loses_the_spaces_at_its_ends_and_keeps_its_letters() -> None:
    assert fields.name("project.name", "  Übermut und Größe ") == "Übermut und Größe"


def test_one_name_has_one_spelling() -> None:
    assert fields.name("project.name", "Cafe\u0301") == "Caf\u00e9"


@pytest.mark.parametrize("name", ("", "  ", "x" * 101, "a\nb", "a\0b", "a\u200bb"))
def test_a_name_is_1_to_100_printable_characters(name: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        fields.name("project.name", name)
    assert refusal.value.metadata["field"] == "project.name"
    assert refusal.value.metadata["allowed"] == "1 to 100 printable characters"


def test_a_display_name_may_be_empty() -> None:
    assert fields.display_name("user.display_name", "") == ""


@pytest.mark.parametrize("request_id", ("", "r-1", "x" * 64))
def test_a_request_id_has_up_to_64_characters(request_id: str) -> None:
    assert fields.request_id(request_id) == request_id


@pytest.mark.parametrize("request_id", ("x" * 65, "a\0b"))
def test_a_request_id_out_of_bounds_is_refused(request_id: str) -> None:
    with pytest.raises(InvalidField, match="request_id"):
        fields.request_id(request_id)


@pytest.mark.parametrize("value", ("", "ada", "0189", "01890000-0000-7000-8000-00000000000g"))
def test_what_is_no_uuid_is_no_id(value: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        fields.identifier("key_id", value)
    assert refusal.value.metadata == {"field": "key_id", "value": value, "allowed": "a UUID"}
