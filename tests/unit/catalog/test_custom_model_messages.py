from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.catalog.v1.custom_model_pb2 import CostPerThousandTokens, CustomModel
from services.catalog.custom_model_entities import Cost, Description, KeyMark, priced
from services.catalog.custom_model_messages import custom_model_message, described
from services.catalog.custom_models import written_paths
from services.catalog.entities import Parameters
from services.runtime.errors import InvalidField
from tests.fixtures.guide import custom_model
from tests.unit.catalog.test_custom_models import DESCRIPTION, MODEL

EVERYTHING = written_paths(())
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def costing(prompt: str | None, completion: str | None) -> CustomModel:
    cost = CostPerThousandTokens(
        input=None if prompt is None else ProtoDecimal(value=prompt),
        output=None if completion is None else ProtoDecimal(value=completion),
    )
    return CustomModel(cost_per_1k_tokens=cost)


def test_the_guide_s_document_says_what_is_kept_and_is_given_back_the_same() -> None:
    message = custom_model()
    assert described(message, EVERYTHING) == DESCRIPTION
    shown = custom_model_message(MODEL)
    assert all(getattr(shown, field.name) == value for field, value in message.ListFields())


def test_what_is_output_only_is_not_read() -> None:
    asked = CustomModel(
        id="x", user_id="x", organisation_id="x", base_url="https://evil.example", provider_hosted=True, key_version=9
    )
    assert described(asked, EVERYTHING) == Description(model_id="", name="", provider="", api_endpoint="")


def test_a_model_carries_everything_the_contract_names() -> None:
    whole = replace(
        MODEL,
        description=replace(DESCRIPTION, project_id="project", provider_model_id="acme-large"),
        key=KeyMark(present=True, last_four="wxyz", version=2),
        prices=(priced("price", NOW, DESCRIPTION.cost),),
        create_time=NOW,
        update_time=NOW,
    )
    message = custom_model_message(whole)
    assert {field.name for field, _ in message.ListFields()} == {field.name for field in CustomModel.DESCRIPTOR.fields}
    assert (message.has_api_key, message.api_key_last_four, message.key_version) == (True, "wxyz", 2)


def test_what_is_not_set_is_absent_not_zero() -> None:
    bare = custom_model_message(
        replace(MODEL, description=replace(DESCRIPTION, parameters=Parameters(), context_window=None, cost=None))
    )
    for name in ("context_window", "cost_per_1k_tokens", "create_time"):
        assert not bare.HasField(name), name
    assert not bare.parameters.ListFields()
    zero = replace(MODEL, description=replace(DESCRIPTION, cost=Cost(Decimal(0), Decimal(0))))
    assert custom_model_message(zero).cost_per_1k_tokens.input.value == "0"


@pytest.mark.parametrize(
    ("prompt", "completion", "field", "value"),
    (
        ("0.01", None, "output", ""),
        (None, "0.03", "input", ""),
        (None, None, "input", ""),
        ("", "0.03", "input", ""),
        ("a penny", "0.03", "input", "a penny"),
        ("0,01", "0.03", "input", "0,01"),
        ("-0.01", "0.03", "input", "-0.01"),
        ("0.01", "NaN", "output", "NaN"),
        ("0.01", "Infinity", "output", "Infinity"),
        ("1e15", "0.03", "input", "1e15"),
        (f"0.{'0' * 30}1", "0.03", "input", f"0.{'0' * 30}1"),
    ),
)
def test_a_cost_is_two_exact_prices(prompt: str | None, completion: str | None, field: str, value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        described(costing(prompt, completion), EVERYTHING)
    assert caught.value.metadata["field"] == f"cost_per_1k_tokens.{field}"
    assert caught.value.metadata["value"] == value
    assert "decimal" in caught.value.metadata["allowed"]


def test_every_digit_of_a_cost_is_kept() -> None:
    figures = "0.000000000000000000000000000001", "999999999999999.10"
    described_cost = described(costing(*figures), EVERYTHING).cost
    shown = custom_model_message(replace(MODEL, description=replace(DESCRIPTION, cost=described_cost)))
    assert (shown.cost_per_1k_tokens.input.value, shown.cost_per_1k_tokens.output.value) == figures


def test_a_cost_that_is_not_to_be_written_is_not_read() -> None:
    assert described(costing("a penny", None), frozenset({"name"})).cost is None
