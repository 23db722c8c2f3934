"""Prices that administrators append."""

import asyncio
from typing import Any

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal
from msgspec.structs import replace
from sqlalchemy import text

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN
from pantheon.catalog.v1 import price_pb2
from pantheon.catalog.v1.catalog_service_pb2 import AddPriceRequest, GetModelRequest
from pantheon.events.v1.change_pb2 import Change
from services.catalog.seed_changes import Seed
from services.runtime import times
from services.runtime.bus import Bus
from tests.fixtures.eventually import eventually
from tests.fixtures.refusals import refusal
from tests.integration.catalog.replica import Catalog, Metadata, StartCatalog, as_user
from tests.unit.catalog.samples import CLAUDE, GPT_4, LLAMA, SEED, endpoint

PLATFORM = as_user(role=ROLE_PLATFORM_ADMIN)


def unit_price(unit: price_pb2.PriceUnit.ValueType, price: str, per: int = 1_000_000) -> price_pb2.UnitPrice:
    return price_pb2.UnitPrice(unit=unit, price=ProtoDecimal(value=price), per=per)


PRICE = price_pb2.PriceVersion(
    unit_prices=[
        unit_price(price_pb2.PRICE_UNIT_PROMPT_TOKEN, "0.50"),
        unit_price(price_pb2.PRICE_UNIT_COMPLETION_TOKEN, "1.5"),
        unit_price(price_pb2.PRICE_UNIT_WEB_SEARCH, "10", 1_000),
    ],
    source="price list of today",
)


async def add(catalog: Catalog, endpoint_id: str = "local:llama3", **fields: Any) -> price_pb2.PriceVersion:
    given = price_pb2.PriceVersion()
    given.CopyFrom(PRICE)
    given.MergeFrom(price_pb2.PriceVersion(**fields))
    answer = await catalog.stub.AddPrice(AddPriceRequest(endpoint_id=endpoint_id, price=given), metadata=PLATFORM)
    added: price_pb2.PriceVersion = answer.price
    return added


async def prices(catalog: Catalog, model: str = LLAMA.id) -> list[price_pb2.PriceVersion]:
    answer = await catalog.stub.GetModel(GetModelRequest(model_id=model), metadata=as_user())
    return list(answer.model.endpoints[0].prices)


async def waiting(catalog: Catalog, number: int) -> bool:
    """Whether so many transactions wait for a lock that another holds."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with catalog.db.read() as connection:
        return bool(await connection.scalar(query) == number)


async def test_a_price_is_kept_as_given_and_holds_from_now_on(own_catalog: Catalog) -> None:
    before = times.now()
    added = await add(own_catalog, id="mine", record_time={"seconds": 5})

    assert await prices(own_catalog) == [added]
    assert list(added.unit_prices) == list(PRICE.unit_prices)
    assert (added.source, len(added.id)) == (PRICE.source, 36)
    assert before <= times.from_timestamp(added.effective_time) == times.from_timestamp(added.record_time)
    assert times.from_timestamp(added.record_time) <= times.now()


async def test_a_price_is_announced_as_the_whole_model_and_in_the_snapshot(own_catalog: Catalog) -> None:
    revision = await own_catalog.revision()
    added = await add(own_catalog)

    (change,) = await own_catalog.changes_after(revision)
    model = change.model_changed.model
    assert (model.id, model.display_name, list(model.endpoints[0].prices)) == (LLAMA.id, "Llama 3", [added])
    kept = (await own_catalog.state())[f"model_changed {LLAMA.id}"].model_changed.model
    assert kept == model


async def test_a_price_is_published_within_a_second(start_catalog: StartCatalog, bus: Bus) -> None:
    catalog = await start_catalog(bus=bus)
    seen = await bus.nc.subscribe("pantheon.changes.v1.catalog.model_changed")
    async with asyncio.timeout(1):
        added = await add(catalog)
        message = await seen.next_msg()

    (offer,) = Change.FromString(message.data).model_changed.model.endpoints
    assert list(offer.prices) == [added]


async def test_of_prices_from_the_same_moment_the_later_one_is_recorded_later(own_catalog: Catalog) -> None:
    first = await add(own_catalog, effective_time=times.to_timestamp(times.now()))
    both = await asyncio.gather(*(add(own_catalog, effective_time=first.effective_time) for _ in range(2)))

    recorded = [times.from_timestamp(price.record_time) for price in (first, *both)]
    assert len(set(recorded)) == 3
    assert min(recorded) == recorded[0]
    assert len(await prices(own_catalog)) == 3


async def test_of_prices_added_at_once_to_two_endpoints_of_a_model_the_last_event_has_both(
    own_catalog: Catalog,
) -> None:
    revision = await own_catalog.revision()
    async with own_catalog.db.write() as connection:
        # Nothing is announced before this ends: until then both do all that they do without having to wait.
        await connection.execute(text("SELECT value FROM revision FOR UPDATE"))
        both = asyncio.gather(*(add(own_catalog, offer.id) for offer in GPT_4.endpoints))
        await eventually(lambda: waiting(own_catalog, 2))
    added = await both

    last = (await own_catalog.changes_after(revision))[-1].model_changed.model
    assert [offer.prices[-1] for offer in last.endpoints] == added
    assert last == (await own_catalog.state())[f"model_changed {GPT_4.id}"].model_changed.model


async def test_a_price_may_hold_since_ever_and_may_be_unknown(own_catalog: Catalog) -> None:
    since_ever = await add(own_catalog, effective_time={})
    unpriced = price_pb2.PriceVersion(source="withdrawn")
    answer = await own_catalog.stub.AddPrice(
        AddPriceRequest(endpoint_id="local:llama3", price=unpriced), metadata=PLATFORM
    )

    assert await prices(own_catalog) == [since_ever, answer.price]
    assert since_ever.effective_time.seconds == 0
    assert list(answer.price.unit_prices) == []


async def test_an_added_price_survives_the_next_seed_and_still_holds(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog()
    added = await add(catalog, "anthropic:claude-3-opus-20240229")
    cheaper = endpoint("anthropic", "claude-3-opus-20240229", ("3", "15"))
    replaced = await start_catalog(Seed(SEED.providers, (replace(CLAUDE, endpoints=(cheaper,)), LLAMA)))

    found = await prices(replaced, CLAUDE.id)
    assert found[-1] == added
    assert len(found) == 3


@pytest.mark.parametrize(
    ("fields", "field"),
    (
        ({"unit_prices": [unit_price(price_pb2.PRICE_UNIT_REQUEST, "-1", 1)]}, "price.unit_prices[3].price"),
        ({"unit_prices": [unit_price(price_pb2.PRICE_UNIT_PROMPT_TOKEN, "1")]}, "price.unit_prices[3].unit"),
        ({"effective_time": {"seconds": 10**11}}, "price.effective_time"),
        ({"source": "a" * 201}, "price.source"),
    ),
)
async def test_what_is_no_price_is_refused(catalog: Catalog, fields: dict[str, Any], field: str) -> None:
    error = await refusal(add(catalog, **fields))

    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)


async def test_an_endpoint_has_to_be_in_the_catalog(catalog: Catalog) -> None:
    error = await refusal(add(catalog, "local:unheard-of"))

    assert (error.reason, error.metadata) == (
        "RESOURCE_NOT_FOUND",
        {"resource": "endpoint", "id": "local:unheard-of"},
    )
    assert (await refusal(add(catalog, "local\0"))).metadata["field"] == "endpoint_id"


@pytest.mark.parametrize("caller", (as_user(), as_user(role=ROLE_ORGANISATION_ADMIN)))
async def test_only_a_platform_administrator_adds_prices(catalog: Catalog, caller: Metadata) -> None:
    call = catalog.stub.AddPrice(AddPriceRequest(endpoint_id="local:llama3", price=PRICE), metadata=caller)

    assert (await refusal(call)).reason == "ACCESS_DENIED"
