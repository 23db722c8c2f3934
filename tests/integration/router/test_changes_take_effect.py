"""What is changed in the catalog, a real one, holds in a router that is running: within how long is printed."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pantheon.catalog.v1.catalog_service_pb2 import (
    AddPriceOverrideRequest,
    AddPriceRequest,
    CreateCustomModelRequest,
    CreateProviderKeyRequest,
    DeleteCustomModelRequest,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
    SetUseCaseRequest,
    UpdateCustomModelRequest,
    UpdateUserSettingsRequest,
)
from pantheon.catalog.v1.custom_model_pb2 import CostPerThousandTokens, CustomModel
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.price_pb2 import (
    PRICE_UNIT_COMPLETION_TOKEN,
    PRICE_UNIT_PROMPT_TOKEN,
    PriceOverride,
    PriceVersion,
    UnitPrice,
)
from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_VALID,
    ProviderKey,
)
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import USE_CASE_CODE, UseCaseChoice
from pantheon.events.v1.completion_pb2 import CompletionFinished
from services.local.nats import LocalNats
from services.runtime.money import to_proto
from tests.fixtures.databases import database_from
from tests.fixtures.eventually import eventually
from tests.integration.catalog.conftest import migrated
from tests.integration.router.following import Following, following_catalog
from tests.integration.router.witness import Witness, witnessing

catalog_database_url = database_from(migrated)


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    async with witnessing() as witness:
        yield witness


@pytest.fixture
async def following(
    tmp_path: Path, own_nats: LocalNats, catalog_database_url: str, witness: Witness
) -> AsyncIterator[Following]:
    environment = {
        "OPENAI_API_KEY": "key-of-the-environment",
        "OPENAI_BASE_URL": f"{witness.url}/openai/v1",
        "OPENROUTER_API_KEY": "key-of-the-environment",
        "OPENROUTER_BASE_URL": f"{witness.url}/openrouter/v1",
    }
    async with following_catalog(tmp_path, own_nats.url, catalog_database_url, environment, "127.0.0.1") as following:
        yield following


def units(prompt: str) -> list[UnitPrice]:
    """So many USD per million tokens, of the completion nothing."""
    amounts = {PRICE_UNIT_PROMPT_TOKEN: prompt, PRICE_UNIT_COMPLETION_TOKEN: "0"}
    return [UnitPrice(unit=unit, price=to_proto(Decimal(amount)), per=1_000_000) for unit, amount in amounts.items()]


def amount(finished: CompletionFinished) -> Decimal:
    return Decimal(finished.cost.amount.value)


async def test_a_new_price_and_a_discount_on_it(following: Following) -> None:
    before = await following.booked("gpt-4")
    assert before.cost.price_version_id
    version = PriceVersion(unit_prices=units("7"), source="contract 17")
    added = (await following.change("AddPrice", AddPriceRequest(endpoint_id="openai:gpt-4", price=version))).price
    after = await following.booked("gpt-4")
    assert after.cost.price_version_id == after.started.price_version_id == added.id != before.cost.price_version_id
    assert amount(after) == after.tokens.prompt_tokens * Decimal("0.000007")

    discount = PriceOverride(provider="openai", factor=to_proto(Decimal("0.5")), source="contract 18")
    request = AddPriceOverrideRequest(price_override=discount)
    override = (await following.change("AddPriceOverride", request)).price_override
    discounted = await following.booked("gpt-4")
    assert (discounted.cost.price_version_id, discounted.cost.price_override_id) == (added.id, override.id)
    assert discounted.started.price_override_id == override.id
    assert amount(discounted) == amount(after) / 2


async def test_a_new_custom_model_its_change_and_its_end(following: Following, witness: Witness) -> None:
    assert (await following.ask("custom/mine")).status_code == 404
    mine = CustomModel(
        model_id="custom/mine",
        name="Mine",
        provider="openai",
        api_endpoint=f"{witness.url}/mine/v1/chat/completions",
        provider_model_id="bees-7b",
        cost_per_1k_tokens=CostPerThousandTokens(input=to_proto(Decimal("0.01")), output=to_proto(Decimal(0))),
    )
    request = CreateCustomModelRequest(custom_model=mine, api_key="key-of-my-own")
    made = (await following.change("CreateCustomModel", request)).custom_model
    booked = await following.booked("custom/mine")
    assert witness.last[:2] == ("/mine/v1/chat/completions", "key-of-my-own")
    assert witness.last.body["model"] == "bees-7b"
    assert (booked.started.target.model, booked.started.target.provider) == ("custom/mine", "openai")
    assert booked.cost.price_version_id == made.prices[0].id
    assert amount(booked) == booked.tokens.prompt_tokens * Decimal("0.00001")

    update = UpdateCustomModelRequest(
        custom_model=CustomModel(id=made.id, parameters=ModelParameters(temperature=0.125)),
        update_mask=FieldMask(paths=["parameters"]),
        api_key="another-of-my-own",
    )
    await following.change("UpdateCustomModel", update)
    await following.booked("custom/mine")
    assert witness.last.key == "another-of-my-own"
    assert witness.last.body["temperature"] == 0.125

    await following.change("DeleteCustomModel", DeleteCustomModelRequest(id=made.id))
    assert (await following.ask("custom/mine")).status_code == 404


async def test_a_new_default(following: Following, witness: Witness) -> None:
    settings = UserSettings(preferred_model="openai/gpt-4", model_parameters=ModelParameters(temperature=0.25))
    await following.change("UpdateUserSettings", UpdateUserSettingsRequest(settings=settings))
    assert (await following.booked("auto")).started.target.model == "openai/gpt-4"
    assert witness.last.body["temperature"] == 0.25

    choice = UseCaseChoice(use_case=USE_CASE_CODE, model="gpt-4", provider="openrouter")
    await following.change("SetUseCase", SetUseCaseRequest(choice=choice))
    target = (await following.booked("auto/code")).started.target
    assert (target.model, target.provider) == ("openai/gpt-4", "openrouter")
    assert witness.last.path == "/openrouter/v1/chat/completions"


async def shown(following: Following, witness: Witness) -> set[str]:
    """The keys that three requests show."""
    return {(await following.booked("gpt-4"), witness.last.key)[1] for _ in range(3)}


async def test_a_key_that_is_set_and_one_that_is_taken_away(following: Following, witness: Witness) -> None:
    assert await shown(following, witness) == {"key-of-the-environment"}
    made = [await set_key(following, secret) for secret in ("first-of-ours", "second-of-ours")]
    assert await shown(following, witness) == {"first-of-ours", "second-of-ours"}
    await following.change("DeleteProviderKey", DeleteProviderKeyRequest(id=made[0].id))
    assert await shown(following, witness) == {"second-of-ours"}
    await following.change("DeleteProviderKey", DeleteProviderKeyRequest(id=made[1].id))
    assert await shown(following, witness) == {"key-of-the-environment"}


async def test_what_a_provider_says_of_a_key_is_seen_by_who_set_it(following: Following, witness: Witness) -> None:
    made = [await set_key(following, secret) for secret in ("invalid-one", "good-one")]
    await shown(following, witness)

    async def statuses() -> bool:
        answer = await following.catalog.stub.ListProviderKeys(ListProviderKeysRequest(), metadata=following.admin)
        found = {key.id: key.status for key in answer.provider_keys}
        wanted = (PROVIDER_KEY_STATUS_INVALID, PROVIDER_KEY_STATUS_VALID)
        return tuple(found[key.id] for key in made) == wanted

    await eventually(statuses)


async def set_key(following: Following, secret: str) -> ProviderKey:
    request = CreateProviderKeyRequest(provider_key=ProviderKey(provider="openai"), secret=secret)
    key: ProviderKey = (await following.change("CreateProviderKey", request)).provider_key
    return key
