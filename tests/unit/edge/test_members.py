import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.edge.rest.bodies import parse_object
from services.edge.rest.members import Members
from services.runtime.errors import InvalidField, MalformedBody

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.text(), values))
def test_every_object_is_read_as_it_was_written(written: dict[str, Any]) -> None:
    members = parse_object(json.dumps(written).encode())
    members.only(written)
    assert all(name in members for name in written)
    assert all(members.is_null(name) == (value is None) for name, value in written.items())


@given(st.binary(max_size=64))
def test_a_body_is_an_object_or_malformed(body: bytes) -> None:
    try:
        parse_object(body)
    except MalformedBody:
        return
    assert isinstance(json.loads(body), dict)


@given(values)
def test_a_value_is_given_in_its_type_or_refused_by_its_path(value: Any) -> None:
    members = Members({"member": value}, "outer")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = is_number and isinstance(value, int) and -(2**63) <= value < 2**63
    assert refused_path(members.text) == (None if value is None or isinstance(value, str) else "outer.member")
    assert refused_path(members.number) == (None if value is None or is_number else "outer.member")
    assert refused_path(members.whole_number) == (None if value is None or is_whole else "outer.member")
    assert refused_path(members.object) == (None if value is None or isinstance(value, dict) else "outer.member")


def refused_path(read: Callable[[str], object]) -> str | None:
    try:
        read("member")
    except InvalidField as error:
        return error.metadata["field"]
    return None


def test_a_number_too_large_for_a_double_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"^temperature: '1000"):
        Members({"temperature": 10**400}).number("temperature")


@pytest.mark.parametrize("value", (2**63, -(2**63) - 1, 2.0, True, "2"))
def test_a_whole_number_has_64_bits(value: object) -> None:
    with pytest.raises(InvalidField, match="a whole number or null"):
        Members({"max_tokens": value}).whole_number("max_tokens")


def test_a_refusal_shows_the_value_as_json() -> None:
    with pytest.raises(InvalidField) as refused:
        Members({"preferred_model": {"id": None, "tags": [True, "ü"]}}).text("preferred_model")
    assert refused.value.metadata["value"] == '{"id": null, "tags": [true, "ü"]}'


def test_an_unknown_member_is_named_in_short_and_its_value_is_not_repeated() -> None:
    with pytest.raises(InvalidField) as refused:
        Members({"x" * 1_000: "hunter2"}).only(("email", "password"))
    assert refused.value.metadata == {
        "field": "x" * 100,
        "value": "unknown field",
        "allowed": "expected email, password",
    }
