from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from pantheon.usage.v1.report_pb2 import (
    DIMENSION_DAY,
    DIMENSION_KEY,
    DIMENSION_MODEL,
    DIMENSION_PROVIDER,
    DIMENSION_SANDBOX,
    DIMENSION_TAG,
    DIMENSION_UNSPECIFIED,
    DIMENSION_USER,
)
from services.runtime.errors import InvalidField, InvalidPageToken
from services.usage.dimensions import Value, grouping, texts_of
from services.usage.entry import NIL

USER = uuid4()
DAY = datetime(2026, 11, 21, 18, 15, tzinfo=UTC)


def test_values_are_shown_as_the_contract_says() -> None:
    by = grouping([DIMENSION_DAY, DIMENSION_USER, DIMENSION_KEY, DIMENSION_SANDBOX], time_zone="Asia/Kathmandu")
    assert by.keys([DAY, USER, NIL, False]) == ["2026-11-22T00:00:00+05:45", str(USER), "", "false"]


@pytest.mark.parametrize(
    ("dimension", "value"),
    (
        (DIMENSION_MODEL, "openai/gpt-4"),
        (DIMENSION_PROVIDER, "True"),
        (DIMENSION_USER, USER),
        (DIMENSION_KEY, NIL),
        (DIMENSION_SANDBOX, True),
        (DIMENSION_SANDBOX, False),
        (DIMENSION_DAY, DAY),
    ),
)
def test_values_come_back_from_a_page_token(dimension: Any, value: Value) -> None:
    by = grouping([dimension])
    assert by.values(texts_of([value])) == (value,)


@pytest.mark.parametrize(
    ("dimension", "text"),
    (
        (DIMENSION_USER, "; DROP TABLE ledger"),
        (DIMENSION_DAY, "yesterday"),
        (DIMENSION_DAY, "2026-11-22T00:00:00"),
        (DIMENSION_DAY, "0001-01-01T00:00:00+00:00"),
        (DIMENSION_MODEL, "openai/\0"),
    ),
)
def test_a_forged_page_token_is_refused(dimension: Any, text: str) -> None:
    with pytest.raises(InvalidPageToken):
        grouping([dimension]).values([text])


@pytest.mark.parametrize(
    ("group_by", "tag", "field"),
    (
        ([DIMENSION_UNSPECIFIED], "", "group_by"),
        ([77], "", "group_by"),
        ([DIMENSION_MODEL, DIMENSION_MODEL], "", "group_by"),
        ([DIMENSION_TAG], None, "group_by"),
        ([DIMENSION_TAG], "", "tag"),
        ([DIMENSION_MODEL], "team", "tag"),
    ),
)
def test_what_cannot_be_grouped_by_is_refused(group_by: Any, tag: str | None, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        grouping(group_by, tag=tag)
    assert refused.value.metadata["field"] == field
    assert refused.value.metadata["allowed"]
