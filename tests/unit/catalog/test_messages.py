from dataclasses import asdict
from datetime import UTC, datetime

from pantheon.catalog.v1 import model_pb2, price_pb2, provider_pb2
from services.catalog.entities import Model
from services.catalog.messages import model_message, provider_message
from services.catalog.seed_changes import Written, seed_changes
from services.rating import PriceUnit
from tests.unit.catalog.samples import CLAUDE, OPENROUTER, SEED

CHANGES = seed_changes(SEED, Written({}, {}, {}), datetime(2026, 11, 22, tzinfo=UTC))


def test_what_is_unknown_of_a_model_is_absent_not_zero() -> None:
    message = model_message(Model(id="meta/llama-3"))
    assert [field.name for field, _ in message.ListFields()] == ["id", "parameters"]
    known = model_message(Model(id="meta/llama-3", supports_tools=False))
    assert known.HasField("supports_tools")
    assert not known.supports_tools


def test_a_model_carries_everything_the_contract_names() -> None:
    ((gpt_4, _),) = [entry for entry in CHANGES.models if entry[0].id == "openai/gpt-4"]
    message = model_message(gpt_4)
    left_out = {field.name for field in model_pb2.Model.DESCRIPTOR.fields} - {
        field.name for field, _ in message.ListFields()
    }
    assert left_out == {"supports_structured_output", "deprecation_time", "successor_id"}
    assert message.release_time.ToDatetime(UTC) == datetime(2023, 3, 14, tzinfo=UTC)


def test_a_provider_carries_everything_the_contract_names() -> None:
    ((openrouter, _),) = [entry for entry in CHANGES.providers if entry[0].name == OPENROUTER.name]
    message = provider_message(openrouter)
    assert {field.name for field in provider_pb2.Provider.DESCRIPTOR.fields} >= set(asdict(openrouter)) - {
        "default_base_url",
        "environment_keys",
        "key_fingerprint",
    }
    assert (message.flags.reports_cost, message.flags.aggregates_vendors) == (True, True)
    assert (message.base_url, message.key_variable) == ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY")


def test_every_unit_of_the_rating_is_one_of_the_contract() -> None:
    assert {f"PRICE_UNIT_{unit.name}": unit.value for unit in PriceUnit} == {
        name: number for name, number in price_pb2.PriceUnit.items() if number
    }


def test_prices_keep_every_digit_and_tier() -> None:
    ((claude, _),) = [entry for entry in CHANGES.models if entry[0].id == CLAUDE.id]
    prices = {endpoint_id: version for endpoint_id, version in CHANGES.prices if endpoint_id == claude.endpoints[0].id}
    (endpoint,) = claude.endpoints
    whole = Model(id=claude.id, endpoints=(type(endpoint)("anthropic", "x", tuple(prices.values())),))
    prompt, completion = model_message(whole).endpoints[0].prices[0].unit_prices
    assert (prompt.unit, prompt.price.value, prompt.per) == (price_pb2.PRICE_UNIT_PROMPT_TOKEN, "15", 1_000_000)
    assert [(tier.above_prompt_tokens, tier.price.value) for tier in prompt.tiers] == [(200_000, "22.5")]
    assert (completion.price.value, list(completion.tiers)) == ("75", [])
