import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidField, InvalidPageToken
from services.runtime.paging import cut, decode_token, encode_token, page_size


def test_a_page_has_the_default_size_unless_told_and_the_most_at_most() -> None:
    assert [page_size(asked, 100, 1_000) for asked in (0, 7, 1_000, 5_000)] == [100, 7, 1_000, 1_000]


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidField):
        page_size(-1, 100, 1_000)


@given(st.lists(st.text(), max_size=4))
def test_a_token_leads_on_from_where_it_was_made(last: list[str]) -> None:
    assert decode_token(encode_token(("models", ""), *last), ("models", ""), len(last)) == tuple(last)


def test_a_page_is_followed_by_another_where_more_was_read_than_is_shown() -> None:
    shown, token = cut(["a", "b", "c"], 2, "query", lambda row: (row, row.upper()))
    assert (shown, decode_token(token, "query", 2)) == (["a", "b"], ("b", "B"))
    for rows in (["a", "b"], ["a"], list[str]()):
        assert cut(rows, 2, "query", lambda row: (row,)) == (rows, "")


def test_no_token_means_the_first_page() -> None:
    assert decode_token("", "query", 1) is None


@given(st.text(min_size=1))
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        decode_token(token, "query", 1)


def test_a_token_of_another_query_is_refused() -> None:
    with pytest.raises(InvalidPageToken):
        decode_token(encode_token("one", "x"), "other", 1)
