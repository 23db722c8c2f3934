import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
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


@pytest.mark.parametrize(
    ("value", "shown"),
    ((True, "true"), (17, "17"), (Decimal("0.10"), "0.10"), ({"key": "sk-1"}, "an object"), (["sk-1"], "an array")),
)
def test_a_refusal_shows_a_scalar_and_never_what_an_object_holds(value: object, shown: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Members({"preferred_model": value}).text("preferred_model")
    assert refused.value.metadata["value"] == shown


def test_a_secret_is_repeated_by_no_refusal() -> None:
    for members in ({"secret": ["sk-31337"]}, {"secret": 31337}, {"secret": None}, {}):
        with pytest.raises(InvalidField) as refused:
            Members(members).secret("secret")
        assert "31337" not in str(refused.value)
    assert Members({}).optional_secret("secret") is None


def test_an_amount_keeps_its_digits() -> None:
    body = parse_object(b'{"a": 0.010, "b": 3, "c": 0.123456789012345678901234567890, "d": null}')
    assert [str(body.decimal(name)) for name in "abcd"] == ["0.010", "3", "0.123456789012345678901234567890", "None"]
    assert body.number("a") == 0.01


@pytest.mark.parametrize("amount", ("1e-50", "1e300", '"0.01"', "true", "0." + "1" * 60, "9" * 41, "[]"))
def test_an_amount_no_bill_can_have_is_refused(amount: str) -> None:
    with pytest.raises(InvalidField, match="at most 40 digits"):
        parse_object(f'{{"price": {amount}}}'.encode()).decimal("price")


@pytest.mark.parametrize("number", ("1e999", "-1e999", "1e-99999999999999999999"))
def test_a_number_beyond_all_numbers_makes_the_body_malformed(number: str) -> None:
    with pytest.raises(MalformedBody, match="out of range"):
        parse_object(f'{{"price": {number}}}'.encode())


def test_elements_are_named_by_their_place() -> None:
    body = Members({"tiers": [{}, {"price": "x"}], "providers": ["openai", 4], "flat": {}})
    with pytest.raises(InvalidField, match=r"^tiers\[1\]\.price: "):
        [tier.number("price") for tier in body.objects("tiers")]
    with pytest.raises(InvalidField, match=r"^providers\[1\]: "):
        body.texts("providers")
    with pytest.raises(InvalidField, match="an array or null"):
        body.objects("flat")
    assert (body.texts("none"), body.objects("none")) == ([], [])


def test_flags_and_times_are_read_strictly() -> None:
    body = Members({"yes": True, "no": False, "one": 1, "at": "2026-11-01T01:00:00+01:00", "day": "2026-11-01"})
    assert (body.flag("yes"), body.flag("no"), body.flag("none")) == (True, False, False)
    assert body.time("at") == datetime(2026, 11, 1, tzinfo=UTC)
    assert body.time("none") is None
    with pytest.raises(InvalidField, match="true, false or null"):
        body.flag("one")
    with pytest.raises(InvalidField, match="an RFC 3339 time"):
        body.time("day")


@pytest.mark.parametrize("members", ({}, {"model": None}, {"model": ""}, {"model": 4}))
def test_what_has_to_be_there_is_asked_for(members: dict[str, object]) -> None:
    with pytest.raises(InvalidField, match=r"^model: "):
        Members(members).required("model")


def test_an_unknown_member_is_named_in_short_and_its_value_is_not_repeated() -> None:
    with pytest.raises(InvalidField) as refused:
        Members({"x" * 1_000: "hunter2"}).only(("email", "password"))
    assert refused.value.metadata == {
        "field": "x" * 100,
        "value": "unknown field",
        "allowed": "expected email, password",
    }
