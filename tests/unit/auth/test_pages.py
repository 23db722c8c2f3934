from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.auth.entities import Organisation
from services.auth.pages import Page
from services.runtime.errors import InvalidField, InvalidPageToken
from services.runtime.paging import encode_token

ROWS = [Organisation(UUID(int=number + 1), str(number), datetime.now(UTC)) for number in range(5)]


def test_one_row_more_than_asked_for_shows_that_there_is_a_next_page() -> None:
    first = Page.asked(2, "", "organisations")
    assert first.limit == 3
    shown, token = first.cut(ROWS[:3])
    assert shown == ROWS[:2]
    assert Page.asked(2, token, "organisations").after == ROWS[1].id


@pytest.mark.parametrize("count", (0, 1, 2))
def test_the_last_page_has_no_token(count: int) -> None:
    assert Page.asked(2, "", "organisations").cut(ROWS[:count]) == (ROWS[:count], "")


@pytest.mark.parametrize(("asked", "given"), ((0, 100), (1, 1), (1000, 1000), (1001, 1000)))
def test_a_page_has_100_rows_unless_asked_and_1000_at_most(asked: int, given: int) -> None:
    assert Page.asked(asked, "", "organisations").size == given


def test_a_page_has_no_negative_size() -> None:
    with pytest.raises(InvalidField):
        Page.asked(-1, "", "organisations")


@pytest.mark.parametrize(
    "token", ("x", encode_token(("users",), str(ROWS[0].id)), encode_token(("organisations",), "not an id"))
)
def test_a_token_of_another_list_or_of_nobody_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        Page.asked(2, token, "organisations")
