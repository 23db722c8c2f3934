"""Where a page of models begins."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import ListModelsRequest
from pantheon.catalog.v1.model_pb2 import ModelOrder
from services.catalog.model_query import ModelQuery, Position, model_query, position_of, token_of
from services.runtime.errors import InvalidPageToken
from services.runtime.paging import encode_token


def asked(order: ModelOrder.ValueType) -> ModelQuery:
    return model_query(ListModelsRequest(order=order), "", datetime.now(UTC))


@pytest.mark.parametrize(
    ("order", "value"),
    (
        (ModelOrder.MODEL_ORDER_UNSPECIFIED, None),
        (ModelOrder.MODEL_ORDER_PROMPT_PRICE, None),
        (ModelOrder.MODEL_ORDER_PROMPT_PRICE, Decimal("0E-12")),
        (ModelOrder.MODEL_ORDER_COMPLETION_PRICE, Decimal(f"{9 * 10**23}.{'1' * 30}")),
        (ModelOrder.MODEL_ORDER_CONTEXT_WINDOW, 2**63 - 1),
        (ModelOrder.MODEL_ORDER_RELEASE_TIME, datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC)),
    ),
)
def test_a_token_leads_back_to_its_row(order: ModelOrder.ValueType, value: Any) -> None:
    row = Position(value, "openai/gpt-4")

    assert position_of(token_of(row, asked(order)), asked(order)) == row


@pytest.mark.parametrize(
    ("order", "value"),
    (
        (ModelOrder.MODEL_ORDER_PROMPT_PRICE, "cheap"),
        (ModelOrder.MODEL_ORDER_PROMPT_PRICE, "NaN"),
        (ModelOrder.MODEL_ORDER_COMPLETION_PRICE, "1e999999"),
        (ModelOrder.MODEL_ORDER_COMPLETION_PRICE, "1_0"),
        (ModelOrder.MODEL_ORDER_CONTEXT_WINDOW, "1_0"),
        (ModelOrder.MODEL_ORDER_CONTEXT_WINDOW, str(2**63)),
        (ModelOrder.MODEL_ORDER_CONTEXT_WINDOW, "-1"),
        (ModelOrder.MODEL_ORDER_RELEASE_TIME, "2024-02-29"),
        (ModelOrder.MODEL_ORDER_RELEASE_TIME, "9999-12-31T23:59:59-23:00"),
        (ModelOrder.MODEL_ORDER_RELEASE_TIME, "0001-01-01T00:00:00+23:00"),
    ),
)
def test_a_token_with_a_value_that_no_row_has_is_none(order: ModelOrder.ValueType, value: str) -> None:
    with pytest.raises(InvalidPageToken):
        position_of(encode_token(asked(order).identity, value, "openai/gpt-4"), asked(order))
