"""What organisations pay instead of list prices."""

import asyncio
from typing import Any

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal
from sqlalchemy import text

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN, ROLE_PROJECT_ADMIN
from pantheon.catalog.v1 import price_pb2
from pantheon.catalog.v1.catalog_service_pb2 import AddPriceOverrideRequest, ListPriceOverridesRequest
from pantheon.events.v1.change_pb2 import Change
from services.runtime import times
from services.runtime.bus import Bus
from services.runtime.ids import uuid7
from services.runtime.paging import encode_token
from tests.fixtures.refusals import refusal, refusal_of_one
from tests.integration.catalog.replica import Catalog, Metadata, StartCatalog, as_user

ENDPOINT = "openai:gpt-4"
FIFTH_OFF = ProtoDecimal(value="0.8")
OWN_PRICES = [
    price_pb2.UnitPrice(
        unit=price_pb2.PRICE_UNIT_PROMPT_TOKEN,
        price=ProtoDecimal(value="20.5"),
        per=1_000_000,
        tiers=[price_pb2.PriceTier(above_prompt_tokens=4_000, price=ProtoDecimal(value="25"))],
    ),
    price_pb2.UnitPrice(unit=price_pb2.PRICE_UNIT_COMPLETION_TOKEN, price=ProtoDecimal(value="0.04"), per=1_000),
]


@pytest.fixture
def organisation() -> str:
    return str(uuid7())


def admin(organisation: str) -> Metadata:
    return as_user(organisation=organisation, role=ROLE_ORGANISATION_ADMIN)


def operator(organisation: str) -> Metadata:
    return as_user(organisation=organisation, role=ROLE_PLATFORM_ADMIN)


async def add(catalog: Catalog, caller: Metadata, provider: str = "openai", **fields: Any) -> price_pb2.PriceOverride:
    given = price_pb2.PriceOverride(provider=provider, **fields)
    answer = await catalog.stub.AddPriceOverride(AddPriceOverrideRequest(price_override=given), metadata=caller)
    added: price_pb2.PriceOverride = answer.price_override
    return added


async def listed(catalog: Catalog, caller: Metadata, **request: Any) -> list[price_pb2.PriceOverride]:
    answer = await catalog.stub.ListPriceOverrides(ListPriceOverridesRequest(**request), metadata=caller)
    assert answer.next_page_token == ""
    return list(answer.price_overrides)


async def test_a_discount_on_a_provider_is_kept_and_holds_from_now_on(catalog: Catalog, organisation: str) -> None:
    before = times.now()
    added = await add(catalog, operator(organisation), factor=FIFTH_OFF, source="contract 17", id="mine")

    assert (added.organisation_id, added.provider, added.endpoint_id) == (organisation, "openai", "")
    assert (added.factor.value, added.source, list(added.unit_prices)) == ("0.8", "contract 17", [])
    assert before <= times.from_timestamp(added.effective_time) == times.from_timestamp(added.record_time)
    assert len(added.id) == 36
    assert await listed(catalog, admin(organisation)) == [added]


async def test_an_organisation_has_no_more_overrides_than_routers_can_look_through(
    own_catalog: Catalog, organisation: str
) -> None:
    added = await add(own_catalog, operator(organisation), factor=FIFTH_OFF)
    copies = text(
        """INSERT INTO price_overrides SELECT (jsonb_populate_record(
            override, jsonb_build_object('id', gen_random_uuid()))).*
        FROM price_overrides AS override, generate_series(1, 9998) WHERE override.id = :id"""
    )
    async with own_catalog.db.write() as connection:
        await connection.execute(copies, {"id": added.id})

    both = (add(own_catalog, operator(organisation), factor=FIFTH_OFF) for _ in range(2))
    assert (await refusal_of_one(*both)).metadata == {
        "field": "price_override.organisation_id",
        "value": "10000 price overrides",
        "allowed": "an organisation with fewer than 10000 price overrides",
    }
    assert (await add(own_catalog, operator(str(uuid7())), factor=FIFTH_OFF)).factor == FIFTH_OFF


async def test_an_organisations_own_prices_are_kept_exactly(catalog: Catalog, organisation: str) -> None:
    start = times.to_timestamp(times.now().replace(microsecond=5))
    added = await add(
        catalog, operator(organisation), endpoint_id=ENDPOINT, unit_prices=OWN_PRICES, effective_time=start
    )

    assert (added.endpoint_id, list(added.unit_prices), added.HasField("factor")) == (ENDPOINT, OWN_PRICES, False)
    assert added.effective_time == start
    assert await listed(catalog, admin(organisation)) == [added]


async def test_overrides_are_listed_newest_first_in_pages(catalog: Catalog, organisation: str) -> None:
    caller = operator(organisation)
    added = [await add(catalog, caller, factor=ProtoDecimal(value=value)) for value in ("0.9", "0.7", "1")]
    newest = added[::-1]

    first = await catalog.stub.ListPriceOverrides(ListPriceOverridesRequest(page_size=2), metadata=caller)
    assert list(first.price_overrides) == newest[:2]
    assert await listed(catalog, caller, page_size=2, page_token=first.next_page_token) == newest[2:]
    assert await listed(catalog, caller) == newest


async def test_a_token_of_another_query_is_refused(catalog: Catalog, organisation: str) -> None:
    for token in ("nonsense", encode_token(("ListPriceOverrides", organisation), "no id")):
        request = ListPriceOverridesRequest(page_token=token)
        call = catalog.stub.ListPriceOverrides(request, metadata=admin(organisation))
        assert (await refusal(call)).reason == "INVALID_PAGE_TOKEN"
    call = catalog.stub.ListPriceOverrides(ListPriceOverridesRequest(page_size=-1), metadata=admin(organisation))
    assert (await refusal(call)).metadata["field"] == "page_size"


async def test_organisations_see_their_own_only(catalog: Catalog, organisation: str) -> None:
    added = await add(catalog, operator(organisation), factor=FIFTH_OFF)
    stranger, platform = admin(str(uuid7())), as_user(role=ROLE_PLATFORM_ADMIN)

    assert await listed(catalog, stranger) == []
    denied = await refusal(listed(catalog, stranger, organisation_id=organisation))
    assert (denied.reason, denied.metadata) == (
        "ACCESS_DENIED",
        {"method": "ListPriceOverrides", "required": "ROLE_PLATFORM_ADMIN"},
    )
    assert await listed(catalog, platform, organisation_id=organisation) == [added]
    assert await listed(catalog, platform) == []


async def test_platform_administrators_add_for_organisations_and_these_none_for_themselves(
    catalog: Catalog, organisation: str
) -> None:
    own, platform = admin(organisation), as_user(role=ROLE_PLATFORM_ADMIN)

    denied = await refusal(add(catalog, own, factor=FIFTH_OFF))
    assert (denied.reason, denied.metadata["required"]) == ("ACCESS_DENIED", "ROLE_PLATFORM_ADMIN")
    added = await add(catalog, platform, organisation_id=organisation, factor=FIFTH_OFF)
    assert added.organisation_id == organisation
    assert await listed(catalog, admin(organisation)) == [added]


@pytest.mark.parametrize("caller", (as_user(), as_user(role=ROLE_PROJECT_ADMIN)))
async def test_members_and_project_administrators_see_and_add_none(catalog: Catalog, caller: Metadata) -> None:
    assert (await refusal(add(catalog, caller, factor=FIFTH_OFF))).reason == "ACCESS_DENIED"
    assert (await refusal(listed(catalog, caller))).reason == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    (
        ({"factor": ProtoDecimal(value="100.1")}, "factor", "100.1"),
        ({"factor": ProtoDecimal(value="0.1234567")}, "factor", "0.1234567"),
        ({}, "factor", "neither"),
        ({"factor": FIFTH_OFF, "unit_prices": OWN_PRICES}, "factor", "both"),
        ({"unit_prices": OWN_PRICES}, "endpoint_id", ""),
        ({"unit_prices": OWN_PRICES, "endpoint_id": "openai:gpt-5"}, "endpoint_id", "openai:gpt-5"),
        ({"factor": FIFTH_OFF, "endpoint_id": "local:llama3"}, "endpoint_id", "local:llama3"),
        ({"factor": FIFTH_OFF, "provider": "nobody"}, "provider", "nobody"),
        ({"factor": FIFTH_OFF, "provider": ""}, "provider", ""),
        ({"factor": FIFTH_OFF, "source": "é" * 201}, "source", "é" * 200),
        ({"factor": FIFTH_OFF, "effective_time": {"seconds": 1}}, "effective_time", "1970-01-01T00:00:01Z"),
        ({"factor": FIFTH_OFF, "organisation_id": "acme"}, "organisation_id", "acme"),
    ),
)
async def test_what_can_not_be_kept_is_refused_by_field_and_value(
    catalog: Catalog, organisation: str, fields: dict[str, Any], field: str, value: str
) -> None:
    error = await refusal(add(catalog, operator(organisation), **fields))

    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", f"price_override.{field}")
    assert error.metadata["value"] == value
    assert await listed(catalog, admin(organisation)) == []


async def test_an_override_is_announced_and_in_the_snapshot(own_catalog: Catalog, organisation: str) -> None:
    revision = await own_catalog.revision()
    discount = await add(own_catalog, operator(organisation), factor=FIFTH_OFF)
    contract = await add(own_catalog, operator(str(uuid7())), endpoint_id=ENDPOINT, unit_prices=OWN_PRICES)

    announced = [change.price_override_added.price_override for change in await own_catalog.changes_after(revision)]
    assert announced == [discount, contract]
    state = await own_catalog.state()
    for override in announced:
        assert state[f"price_override_added {override.id}"].price_override_added.price_override == override


async def test_an_override_is_published_within_a_second(
    start_catalog: StartCatalog, bus: Bus, organisation: str
) -> None:
    catalog = await start_catalog(bus=bus)
    seen = await bus.nc.subscribe("pantheon.changes.v1.catalog.price_override_added")
    async with asyncio.timeout(1):
        added = await add(catalog, operator(organisation), factor=FIFTH_OFF)
        message = await seen.next_msg()

    assert Change.FromString(message.data).price_override_added.price_override == added
