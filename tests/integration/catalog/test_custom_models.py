"""Custom models as users keep them, as others see them, and as routers hear of them."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import grpc
import pytest
from sqlalchemy import text

from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.price_pb2 import PRICE_UNIT_COMPLETION_TOKEN, PRICE_UNIT_PROMPT_TOKEN
from services.runtime import times
from services.runtime.request_ids import forget_before
from services.runtime.status import error_from_rpc
from tests.fixtures.guide import custom_model
from tests.fixtures.refusals import refusal, refusal_of_one
from tests.integration.catalog.people import Person, cost, described, fresh
from tests.integration.catalog.replica import Catalog, StartCatalog

GUIDE = custom_model()
# Listed names are not resolved.
EXAMPLE = "https://models.example/v1/chat/completions"


# --- making ---------------------------------------------------------------------------------------------------------


async def test_the_guide_s_document_is_kept_and_given_back_the_same(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, GUIDE)
    for field, value in GUIDE.ListFields():
        assert getattr(made, field.name) == value, field.name
    assert UUID(made.id).version == 7
    assert (made.user_id, made.organisation_id, made.project_id) == (ada.id, ada.organisation, "")
    assert (made.base_url, made.provider_hosted) == ("https://openrouter.ai/api/v1", True)
    assert made.provider_model_id == "my-model"
    assert (made.has_api_key, made.api_key_last_four, made.key_version) == (False, "", 0)
    assert made.create_time == made.update_time
    assert await ada.get(catalog, "custom/my-model") == made
    assert await ada.get(catalog, made.id) == made
    assert await ada.list(catalog) == [made]


async def test_a_cost_is_a_dated_price(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, GUIDE)
    (price,) = made.prices
    assert [(entry.unit, entry.price.value, entry.per) for entry in price.unit_prices] == [
        (PRICE_UNIT_PROMPT_TOKEN, "0.01", 1_000),
        (PRICE_UNIT_COMPLETION_TOKEN, "0.03", 1_000),
    ]
    assert (UUID(price.id).version, price.source) == (7, "custom model")
    assert price.effective_time == price.record_time


async def test_a_model_without_a_cost_is_unpriced(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described())
    assert not made.HasField("cost_per_1k_tokens")
    assert not made.prices


async def test_a_provider_need_not_be_configured_nor_its_endpoint_be_its_own(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(provider="anthropic", api_endpoint="https://9.9.9.9/v1/messages"))
    assert (made.base_url, made.provider_hosted) == ("https://9.9.9.9", False)


async def test_what_would_be_made_can_be_seen_before(catalog: Catalog, ada: Person) -> None:
    revision = await catalog.revision()
    checked = await ada.check(catalog, GUIDE)
    assert (checked.id, checked.base_url) == ("", "https://openrouter.ai/api/v1")
    assert not checked.HasField("create_time")
    assert await ada.list(catalog) == []
    assert await catalog.revision() == revision
    made = await ada.create(catalog, GUIDE)
    (price,), (kept,) = checked.prices, made.prices
    assert (price.id, list(price.unit_prices)) == ("", list(kept.unit_prices)), "a test of it is to be rated"
    for model in (checked, made):
        for output in ("id", "create_time", "update_time", "prices"):
            model.ClearField(output)
    assert checked == made


async def test_what_would_be_made_without_a_cost_is_unpriced(catalog: Catalog, ada: Person) -> None:
    assert not (await ada.check(catalog, described())).prices


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    (
        ({"model_id": "my-model"}, "model_id", "custom/<slug>"),
        ({"name": ""}, "name", "1 to 100"),
        ({"provider": "acne"}, "provider", "one of anthropic, local, openai, openrouter"),
        ({"provider": "open\0ai"}, "provider", "one of anthropic"),
        ({"project_id": fresh()}, "project_id", "the caller's own, or empty"),
        ({"provider_model_id": "two words"}, "provider_model_id", "no spaces"),
        ({"parameters": ModelParameters(temperature=3)}, "parameters.temperature", "0 to 2"),
        ({"parameters": ModelParameters(max_tokens=9), "context_window": 8}, "parameters.max_tokens", "1 to 8"),
        ({"context_window": 0}, "context_window", "at least 1"),
        ({"cost_per_1k_tokens": cost("0.01", "-1")}, "cost_per_1k_tokens.output", "a decimal from 0"),
        ({"api_endpoint": "https://9.9.9.9/v1"}, "api_endpoint", "ends in /chat/completions"),
        ({"api_endpoint": "http://9.9.9.9/v1/chat/completions"}, "api_endpoint", "https://"),
        ({"api_endpoint": "https://10.0.0.1/v1/chat/completions"}, "api_endpoint", "PANTHEON_EGRESS_ALLOW"),
        ({"api_endpoint": "https://localhost/v1/chat/completions"}, "api_endpoint", "PANTHEON_EGRESS_ALLOW"),
        ({"api_endpoint": "https://a.example\0/chat/completions"}, "api_endpoint", "https://"),
    ),
)
async def test_what_is_not_allowed_is_refused_and_nothing_kept(
    catalog: Catalog, ada: Person, fields: dict[str, Any], field: str, allowed: str
) -> None:
    revision = await catalog.revision()
    for call in (ada.create(catalog, described(**fields)), ada.check(catalog, described(**fields))):
        error = await refusal(call)
        assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)
        assert allowed in error.metadata["allowed"]
    assert await catalog.revision() == revision
    assert await ada.list(catalog) == []


async def test_a_name_that_leads_to_a_forbidden_address_is_refused_though_it_reads_well(
    start_catalog: StartCatalog, ada: Person
) -> None:
    # A network is open, so that only resolving a name can tell; it is not the one this name is in.
    catalog = await start_catalog(egress_allow="10.99.0.0/16")
    error = await refusal(ada.create(catalog, described(api_endpoint="https://localhost/v1/chat/completions")))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_endpoint")
    assert "a host with a public address" in error.metadata["allowed"]


async def test_what_the_operator_opened_is_taken(start_catalog: StartCatalog, ada: Person) -> None:
    catalog = await start_catalog(egress_allow="ollama:11434, models.example")
    for slug, endpoint in (("a", "http://ollama:11434/v1/chat/completions"), ("b", EXAMPLE)):
        made = await ada.create(catalog, described(slug, api_endpoint=endpoint))
        assert not made.provider_hosted


async def test_a_repeated_request_makes_nothing(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described("one"), request_id="r-1")
    error = await refusal(ada.create(catalog, described("two"), request_id="r-1"))
    assert (error.reason, error.metadata) == ("REQUEST_REPEATED", {"request_id": "r-1", "id": made.id})
    assert await ada.list(catalog) == [made]
    error = await refusal(ada.create(catalog, described("two"), request_id="r" * 65))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "request_id")
    assert (await Person().create(catalog, described("one"), request_id="r-1")).model_id == "custom/one"


async def test_a_request_is_forgotten_in_time(catalog: Catalog, ada: Person) -> None:
    await ada.create(catalog, described("one"), request_id="r-1")
    await forget_before(catalog.db, times.now() - timedelta(minutes=5))
    assert (await refusal(ada.create(catalog, described("two"), request_id="r-1"))).reason == "REQUEST_REPEATED"
    await forget_before(catalog.db, times.now() + timedelta(minutes=5))
    assert (await ada.create(catalog, described("two"), request_id="r-1")).model_id == "custom/two"


async def test_of_two_that_make_the_same_model_at_once_one_does(catalog: Catalog, ada: Person, bob: Person) -> None:
    shared = described(project_id=ada.project)
    for calls in (
        (ada.create(catalog, described()), ada.create(catalog, described())),
        (ada.create(catalog, shared), bob.create(catalog, shared)),
    ):
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        (failure,) = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
        error = error_from_rpc(failure)
        assert error.reason == "RESOURCE_EXISTS"
        assert error.metadata == {"resource": "custom_model", "field": "model_id", "value": "custom/my-model"}


async def test_an_edit_of_a_kept_model_can_be_checked_before_it_is_kept(catalog: Catalog, ada: Person) -> None:
    await ada.create(catalog, described())
    checked = await ada.check(catalog, described(name="Another name"))
    assert (checked.model_id, checked.name, checked.id) == ("custom/my-model", "Another name", "")


async def test_a_user_has_no_more_models_than_routers_have_room_for(catalog: Catalog, ada: Person, bob: Person) -> None:
    made = await ada.create(catalog, described("m-0", project_id=ada.project))
    # The 998 that follow would take a minute over the API.
    copies = text(
        """INSERT INTO custom_models SELECT (jsonb_populate_record(model, jsonb_build_object(
            'id', gen_random_uuid(), 'model_id', 'custom/m-' || number))).*
        FROM custom_models AS model, generate_series(1, 998) AS number WHERE model.id = :id"""
    )
    async with catalog.db.write() as connection:
        await connection.execute(copies, {"id": made.id})

    both = (ada.create(catalog, described(slug)) for slug in ("last", "one-too-many"))
    assert (await refusal_of_one(*both)).metadata == {
        "field": "model_id",
        "value": "model 1001",
        "allowed": "at most 1000 models of one user",
    }
    assert (await refusal(ada.check(catalog, described("one-more")))).metadata["field"] == "model_id"
    assert await bob.create(catalog, described("one-more"))
    await ada.delete(catalog, made.id)
    assert await ada.create(catalog, described("one-more"))


async def test_a_slug_is_unique_among_one_s_own_and_among_those_of_a_project(
    catalog: Catalog, ada: Person, bob: Person
) -> None:
    own = await ada.create(catalog, described())
    shared = await ada.create(catalog, described(project_id=ada.project))
    assert (await refusal(bob.create(catalog, described(project_id=ada.project)))).reason == "RESOURCE_EXISTS"
    bobs = await bob.create(catalog, described())
    # The caller's own stands before the one shared in the project.
    assert [(await who.get(catalog, "custom/my-model")).id for who in (ada, bob)] == [own.id, bobs.id]
    await bob.delete(catalog, bobs.id)
    assert (await bob.get(catalog, "custom/my-model")).id == shared.id
    assert (await refusal(ada.update(catalog, CustomModel(id=shared.id), "project_id"))).reason == "RESOURCE_EXISTS"


# --- changing -------------------------------------------------------------------------------------------------------


async def test_a_mask_writes_and_clears_only_what_it_names(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, GUIDE)
    asked = CustomModel(id="custom/my-model", name="ignored", parameters=ModelParameters(top_p=0.5, max_tokens=1))
    changed = await ada.update(catalog, asked, "parameters.temperature", "parameters.top_p", "context_window")
    expected = CustomModel()
    expected.CopyFrom(made)
    expected.parameters.ClearField("temperature")
    expected.parameters.top_p = 0.5
    expected.ClearField("context_window")
    expected.update_time.CopyFrom(changed.update_time)
    assert changed == expected
    assert changed.update_time.ToDatetime() > made.update_time.ToDatetime()
    changed = await ada.update(catalog, CustomModel(id=made.id), "parameters", "cost_per_1k_tokens")
    assert (changed.parameters, changed.HasField("cost_per_1k_tokens")) == (ModelParameters(), False)
    assert await ada.get(catalog, made.id) == changed


async def test_without_a_mask_everything_but_the_key_is_replaced(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described(context_window=9, provider_model_id="acme-large"), api_key="k" * 20)
    changed = await ada.update(catalog, described("renamed", id=made.id, name="Ours", project_id=ada.project))
    assert (changed.id, changed.model_id, changed.name) == (made.id, "custom/renamed", "Ours")
    assert (changed.project_id, changed.HasField("context_window")) == (ada.project, False)
    assert changed.provider_model_id == "renamed"
    assert (changed.has_api_key, changed.key_version) == (True, 1)


async def test_a_change_of_what_is_not_the_endpoint_is_not_kept_off_by_it(
    start_catalog: StartCatalog, ada: Person
) -> None:
    open_catalog = await start_catalog(egress_allow="models.local")
    made = await ada.create(open_catalog, described(api_endpoint="https://models.local/v1/chat/completions"))
    closed = await start_catalog()
    assert (await ada.update(closed, CustomModel(id=made.id, name="Ours"), "name")).name == "Ours"
    error = await refusal(ada.update(closed, made, "api_endpoint"))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_endpoint")


@pytest.mark.parametrize(
    ("asked", "paths", "field"),
    (
        (CustomModel(), ("id",), "update_mask"),
        (CustomModel(), ("prices",), "update_mask"),
        (CustomModel(), ("name",), "name"),
        (CustomModel(), ("provider",), "provider"),
        (CustomModel(), ("api_endpoint",), "api_endpoint"),
        (CustomModel(context_window=3_999), ("context_window",), "parameters.max_tokens"),
        (CustomModel(provider="anthropic"), ("provider",), "api_endpoint"),
        (CustomModel(project_id=fresh()), ("project_id",), "project_id"),
        (CustomModel(cost_per_1k_tokens=cost("1", "x")), ("cost_per_1k_tokens",), "cost_per_1k_tokens.output"),
        (CustomModel(), (), "model_id"),
    ),
)
async def test_a_change_to_what_is_not_allowed_is_refused_and_nothing_changed(
    catalog: Catalog, ada: Person, asked: CustomModel, paths: tuple[str, ...], field: str
) -> None:
    made = await ada.create(catalog, GUIDE)
    revision = await catalog.revision()
    error = await refusal(ada.update(catalog, CustomModel(id=made.id, **_fields(asked)), *paths))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)
    assert await ada.get(catalog, made.id) == made
    assert await catalog.revision() == revision


def _fields(message: CustomModel) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


async def test_a_slug_that_is_taken_cannot_be_changed_to(catalog: Catalog, ada: Person) -> None:
    await ada.create(catalog, described("taken"))
    made = await ada.create(catalog, described())
    error = await refusal(ada.update(catalog, CustomModel(id=made.id, model_id="custom/taken"), "model_id"))
    assert (error.reason, error.metadata["value"]) == ("RESOURCE_EXISTS", "custom/taken")


async def test_prices_are_appended_when_the_cost_changes_and_never_overwritten(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, GUIDE)
    same = CustomModel(id=made.id, name="Ours", cost_per_1k_tokens=cost("0.010", "0.03"))
    assert list((await ada.update(catalog, same, "name", "cost_per_1k_tokens")).prices) == list(made.prices)
    dearer = CustomModel(id=made.id, cost_per_1k_tokens=cost("0.02", "0.03"))
    await ada.update(catalog, dearer, "cost_per_1k_tokens")
    await ada.update(catalog, CustomModel(id=made.id), "cost_per_1k_tokens")
    kept = await ada.update(catalog, made, "cost_per_1k_tokens")
    assert kept.cost_per_1k_tokens == GUIDE.cost_per_1k_tokens
    figures = [[Decimal(entry.price.value) for entry in price.unit_prices] for price in kept.prices]
    cheap = [Decimal("0.01"), Decimal("0.03")]
    assert figures == [cheap, [Decimal("0.02"), Decimal("0.03")], [], cheap]
    assert kept.prices[0] == made.prices[0]
    moments = [price.effective_time.ToNanoseconds() for price in kept.prices]
    assert moments == sorted(set(moments))
    assert len({price.id for price in kept.prices}) == 4


async def test_changes_of_different_fields_at_once_are_all_kept(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described())
    parameters: dict[str, Any] = {"temperature": 0.1, "top_p": 0.2, "frequency_penalty": 0.3, "presence_penalty": 0.4}
    await asyncio.gather(
        *(
            ada.update(
                catalog, CustomModel(id=made.id, parameters=ModelParameters(**{name: value})), f"parameters.{name}"
            )
            for name, value in parameters.items()
        )
    )
    assert (await ada.get(catalog, made.id)).parameters == ModelParameters(**parameters)


async def test_an_endpoint_that_becomes_the_provider_s_own_is_hosted_by_it(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, described())
    asked = CustomModel(id=made.id, api_endpoint="https://api.openai.com/v1/chat/completions")
    assert (await ada.update(catalog, asked, "api_endpoint")).provider_hosted
    asked = CustomModel(id=made.id, provider="openrouter")
    assert not (await ada.update(catalog, asked, "provider")).provider_hosted


# --- removing -------------------------------------------------------------------------------------------------------


async def test_what_is_removed_is_gone_and_its_slug_free_but_its_prices_stay(catalog: Catalog, ada: Person) -> None:
    made = await ada.create(catalog, GUIDE, api_key="k" * 20)
    await ada.delete(catalog, "custom/my-model")
    for name in (made.id, "custom/my-model"):
        error = await refusal(ada.get(catalog, name))
        assert (error.reason, error.metadata) == ("RESOURCE_NOT_FOUND", {"resource": "custom_model", "id": name})
        assert (await refusal(ada.delete(catalog, name))).reason == "RESOURCE_NOT_FOUND"
        assert (await refusal(ada.update(catalog, CustomModel(id=name)))).reason == "RESOURCE_NOT_FOUND"
    assert await ada.list(catalog) == []
    async with catalog.db.read() as connection:
        query = "SELECT m.sealed_key, m.key_last_four, p.input FROM custom_models m JOIN custom_model_prices p ON"
        rows = await connection.execute(text(f"{query} p.custom_model_id = m.id WHERE m.id = :id"), {"id": made.id})
        assert [tuple(row) for row in rows] == [(None, "", Decimal("0.01"))]
    assert (await ada.create(catalog, GUIDE)).id != made.id


# --- events ---------------------------------------------------------------------------------------------------------


async def test_each_change_is_announced_once_and_what_changes_nothing_is_not(catalog: Catalog, ada: Person) -> None:
    revision = await catalog.revision()
    made = await ada.create(catalog, GUIDE)
    assert await ada.update(catalog, made) == made
    changed = await ada.update(catalog, CustomModel(id=made.id, name="Ours"), "name")
    await ada.delete(catalog, made.id)
    first, second, third = await catalog.changes_after(revision)
    assert first.custom_model_changed.custom_model == made
    assert second.custom_model_changed.custom_model == changed
    assert third.custom_model_removed.custom_model_id == made.id


async def test_a_snapshot_has_every_model_that_is_left(own_catalog: Catalog, ada: Person, bob: Person) -> None:
    kept = [
        await ada.create(own_catalog, GUIDE, api_key="k" * 20),
        await bob.create(own_catalog, described(project_id=ada.project)),
    ]
    gone = await bob.create(own_catalog, described("gone"))
    await bob.delete(own_catalog, gone.id)
    state = await own_catalog.state()
    found = {name: change.custom_model_changed.custom_model for name, change in state.items() if "custom" in name}
    assert found == {f"custom_model_changed {model.id}": model for model in kept}
