from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.edge.rest.queries import PAGE, Query
from services.runtime.errors import InvalidField

KNOWN = ("search", "available", "window", "price", *PAGE)


def query(*parameters: tuple[str, str]) -> Query:
    return Query(parameters, KNOWN, ("capability",))


def test_what_is_not_given_has_its_default() -> None:
    empty = query()
    assert (empty.text("search"), empty.flag("available"), empty.whole_number("window")) == ("", False, 0)
    assert (empty.decimal("price"), empty.texts("capability")) == (None, [])
    assert (empty.page_size, empty.page_token) == (0, "")
    assert "search" not in empty


def test_what_is_given_is_read_by_its_type() -> None:
    given_ = query(
        ("available", "true"), ("window", "8192"), ("price", "2.50"), ("page_size", "7"), ("page_token", "t")
    )
    assert (given_.flag("available"), given_.whole_number("window")) == (True, 8_192)
    assert str(given_.decimal("price")) == "2.50"
    assert (given_.page_size, given_.page_token) == (7, "t")
    assert "price" in given_


def test_only_a_list_may_be_given_more_than_once() -> None:
    assert query(("capability", "tools"), ("capability", "vision")).texts("capability") == ["tools", "vision"]
    with pytest.raises(InvalidField, match=r"^search: .*it may be given once"):
        query(("search", "a"), ("search", "b"))


def test_an_unknown_parameter_is_named_in_short_with_those_there_are() -> None:
    with pytest.raises(InvalidField) as refused:
        query(("x" * 1_000, ""))
    assert refused.value.metadata["field"] == "x" * 100
    assert refused.value.metadata["allowed"] == f"expected {', '.join((*KNOWN, 'capability'))}"
    with pytest.raises(InvalidField) as refused:
        query(("secret", "sk-31337"))
    assert "31337" not in str(refused.value)
    with pytest.raises(InvalidField, match="there are no parameters"):
        Query([("a", "")], ())


@given(st.text())
def test_a_number_is_written_plainly_or_refused(text: str) -> None:
    with suppress(InvalidField):
        number = query(("window", text)).whole_number("window")
        assert number == int(text)
        assert 0 <= number < 2**63


@given(st.decimals(min_value=0, max_value=10**12, places=9))
def test_an_amount_keeps_its_digits(amount: Decimal) -> None:
    assert query(("price", format(amount, "f"))).decimal("price") == amount


@pytest.mark.parametrize("text", ("", "-1", "1e3", "1_0", "٣", ".5", "5.", "NaN", "Infinity", "1" * 41))
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match=r"^price: "):
        query(("price", text)).decimal("price")


@pytest.mark.parametrize("text", ("2147483648", "99999999999999999999999"))
def test_a_page_has_no_more_than_a_message_can_say(text: str) -> None:
    assert query(("page_size", "2147483647")).page_size == 2**31 - 1
    with pytest.raises(InvalidField, match=r"^page_size: "):
        _ = query(("page_size", text)).page_size
