"""The catalog against what providers list: shown, applied, undone, and never emptied by a broken answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import MessageToDict

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN
from pantheon.catalog.v1 import sync_pb2
from pantheon.catalog.v1.catalog_service_pb2 import (
    GetModelRequest,
    ListSyncsRequest,
    RevertSyncRequest,
    SyncModelsRequest,
    SyncModelsResponse,
)
from pantheon.catalog.v1.model_pb2 import Model
from services.catalog.seed_changes import Seed
from tests.fixtures.refusals import refusal
from tests.integration.catalog.lists import Lists, serving, sync
from tests.integration.catalog.replica import Catalog, StartCatalog, as_user, changed
from tests.unit.catalog.samples import CLAUDE, GPT_4, LLAMA, OPENROUTER, SEED, endpoint

ADMIN = as_user(role=ROLE_PLATFORM_ADMIN)
BOTH = {"OPENAI_API_KEY": "sk-openai-0123456789abcdef", "OPENROUTER_API_KEY": "sk-or-0123456789abcdef"}
ROUTED = tuple(
    msgspec.structs.replace(
        LLAMA, id=f"vendor/m-{number}", endpoints=(endpoint("openrouter", f"vendor/m-{number}", ("1", "2")),)
    )
    for number in range(5)
)
WIDE = Seed(SEED.providers, (CLAUDE, GPT_4, LLAMA, *ROUTED))


def entry(model: str, prompt: str = "0.00003", completion: str = "0.00006", **more: Any) -> dict[str, Any]:
    """What OpenRouter says of a model."""
    return {"id": model, "pricing": {"prompt": prompt, "completion": completion}, **more}


KNOWN = (entry("openai/gpt-4"), *(entry(model.id, "0.000001", "0.000002") for model in ROUTED))


@pytest.fixture
async def lists() -> AsyncIterator[Lists]:
    async with serving() as found:
        yield found


@pytest.fixture
async def catalog(lists: Lists, start_catalog: StartCatalog) -> Catalog:
    """OpenAI and OpenRouter are configured, and list what the catalog has already."""
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-4-0613"})
    lists.say("openrouter", *KNOWN)
    return await start_catalog(lists.moved(WIDE), environment=BOTH)


async def model(catalog: Catalog, name: str) -> Model:
    answer = await catalog.stub.GetModel(GetModelRequest(model_id=name), metadata=as_user())
    found: Model = answer.model
    return found


async def models(catalog: Catalog) -> Mapping[str, Any]:
    """What the catalog tells of all models, their prices as they hold now."""
    state = await catalog.state()
    found = {name: MessageToDict(change.model_changed.model) for name, change in state.items() if "model" in name}
    for told in found.values():
        for offer in told.get("endpoints", ()):
            versions = offer.get("prices", [{}])
            offer["prices"] = max(
                versions, key=lambda version: (version.get("effectiveTime", ""), version.get("recordTime", ""))
            )
            offer["prices"] = offer["prices"].get("unitPrices")
    return found


def faults(answer: SyncModelsResponse) -> dict[str, str]:
    return {listing.provider: listing.fault for listing in answer.listings}


async def test_lists_that_say_what_is_known_change_nothing(catalog: Catalog) -> None:
    revision = await catalog.revision()
    answer = await sync(catalog)
    assert [(listing.provider, listing.models, listing.fault) for listing in answer.listings] == [
        ("openai", 2, ""),
        ("openrouter", 6, ""),
    ]
    assert not answer.differences
    assert not answer.HasField("sync")
    assert await catalog.revision() == revision


async def test_a_dry_run_shows_the_difference_and_changes_nothing(catalog: Catalog, lists: Lists) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6", "created": 1790000000})
    before, revision = await models(catalog), await catalog.revision()
    shown = await sync(catalog, dry_run=True)
    (difference,) = shown.differences
    assert (difference.model_id, difference.kind) == ("openai/gpt-6", sync_pb2.DIFFERENCE_KIND_ADDED)
    assert [(field.field, field.before, field.after) for field in difference.fields] == [
        ("endpoints", "", "openai:gpt-6")
    ]
    assert not shown.HasField("sync")
    assert (await models(catalog), await catalog.revision()) == (before, revision)
    assert (await sync(catalog, dry_run=True)).digest == shown.digest


async def test_what_was_shown_is_applied_announced_and_noted(catalog: Catalog, lists: Lists) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"}, {"id": "gpt-6-2026-12-01"}, {"id": "ft:gpt-4:acme::1"})
    lists.say("openrouter", *KNOWN, entry("openai/gpt-6", "0.000002", "0.000008", context_length=400_000))
    shown, revision = await sync(catalog, dry_run=True), await catalog.revision()
    applied = await sync(catalog, expected_digest=shown.digest)
    assert applied.differences == shown.differences
    assert (applied.sync.added, applied.sync.changed, applied.sync.removed) == (1, 0, 0)
    assert list(applied.sync.providers) == ["openai", "openrouter"]
    (change,) = await catalog.changes_after(revision)
    assert changed(change) == "model_changed openai/gpt-6"
    made = change.model_changed.model
    assert [offer.id for offer in made.endpoints] == ["openai:gpt-6", "openrouter:openai/gpt-6"]
    assert (made.context_window, set(made.aliases)) == (
        400_000,
        {"gpt-6", "gpt-6-2026-12-01", "openai/gpt-6-2026-12-01"},
    )
    (price,) = made.endpoints[1].prices
    assert [(entry.unit, entry.price.value, entry.per) for entry in price.unit_prices] == [
        (1, "2", 1_000_000),
        (6, "8", 1_000_000),
    ]
    assert price.source == "openrouter"
    assert await model(catalog, "gpt-6-2026-12-01") == made
    noted = await catalog.stub.ListSyncs(ListSyncsRequest(), metadata=ADMIN)
    assert list(noted.syncs) == [applied.sync]
    assert not (await sync(catalog)).differences


async def test_another_difference_than_the_one_shown_is_not_applied(catalog: Catalog, lists: Lists) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"})
    shown = await sync(catalog, dry_run=True)
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"}, {"id": "gpt-7"})
    before = await models(catalog)
    error = await refusal(sync(catalog, expected_digest=shown.digest))
    assert (error.reason, error.metadata["expected_digest"]) == ("CONFLICT", shown.digest)
    assert await models(catalog) == before


async def test_a_price_change_appends_a_version_and_overwrites_none(catalog: Catalog, lists: Lists) -> None:
    lists.say("openrouter", entry("openai/gpt-4", "0.0000250", "0.00006"), *KNOWN[1:])
    (known,) = (await model(catalog, "gpt-4")).endpoints[1].prices
    answer = await sync(catalog)
    (field,) = answer.differences[0].fields
    assert (field.field, field.before, field.after) == ("openrouter:openai/gpt-4 prompt_token", "30", "25")
    kept, added = (await model(catalog, "gpt-4")).endpoints[1].prices
    assert kept == known
    assert added.effective_time == added.record_time == answer.sync.create_time


async def test_an_unknown_price_is_none_and_not_zero(catalog: Catalog, lists: Lists) -> None:
    lists.say(
        "openrouter", *KNOWN, entry("openrouter/auto", "-1", "-1"), entry("vendor/free", "0", "0"), {"id": "vendor/x"}
    )
    answer = await sync(catalog)
    assert {difference.model_id for difference in answer.differences} == {"openrouter/auto", "vendor/free", "vendor/x"}
    for name in ("openrouter/auto", "vendor/x"):
        assert not (await model(catalog, name)).endpoints[0].prices
    (free,) = (await model(catalog, "vendor/free")).endpoints[0].prices
    assert [entry.price.value for entry in free.unit_prices] == ["0", "0"]
    lists.say("openrouter", entry("openai/gpt-4", "-1", "-1"), *KNOWN[1:])
    await sync(catalog)
    assert not (await model(catalog, "gpt-4")).endpoints[1].prices[-1].unit_prices


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    (
        (b'{"data": []}', 200, "the list is empty"),
        (b"", 200, "not JSON"),
        (b'{"data": [{"id": "openai/g', 200, "not JSON"),
        (b'{"error": "down"}', 200, "no array 'data'"),
        (b'{"data": [1, 2, {"id": "openai/gpt-4"}]}', 200, "2 of 3 entries"),
        (b"[" * 100_000, 200, "not JSON"),
        (b"<html>", 200, "not JSON"),
        (msgspec.json.encode({"data": KNOWN}), 500, "status 500"),
        (msgspec.json.encode({"data": KNOWN}), 301, "status 301"),
        (msgspec.json.encode({"data": [{**told, "pricing": {}} for told in KNOWN]}), 200, "names no price of 6 of 6"),
        (msgspec.json.encode({"data": [entry(told["id"], "0", "0") for told in KNOWN]}), 200, "calls free 6 of 6"),
    ),
)
async def test_a_broken_list_changes_nothing_of_its_provider(
    catalog: Catalog, lists: Lists, body: bytes, status: int, fault: str
) -> None:
    lists.bodies["openrouter"], lists.statuses["openrouter"] = body, status
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"})
    before = await models(catalog)
    answer = await sync(catalog, remove_missing=True)
    assert fault in faults(answer)["openrouter"]
    assert faults(answer)["openai"] == ""
    after = dict(await models(catalog))
    del after["model_changed openai/gpt-6"]
    assert after == before


async def test_a_provider_that_is_not_there_is_a_fault_and_no_error(start_catalog: StartCatalog, lists: Lists) -> None:
    gone = msgspec.structs.replace(OPENROUTER, base_url="http://127.0.0.1:1", models_url="/models")
    seed = Seed(tuple(gone if row.name == gone.name else row for row in lists.moved(WIDE).providers), WIDE.models)
    catalog = await start_catalog(seed, environment=BOTH)
    answer = await sync(catalog, providers=["openrouter"])
    assert faults(answer) == {"openrouter": "it can't be reached: ConnectError"}


async def test_only_with_remove_missing_what_nobody_lists_is_taken_out(catalog: Catalog, lists: Lists) -> None:
    lists.say("openrouter", *KNOWN[:4])
    assert not (await sync(catalog)).differences
    answer = await sync(catalog, remove_missing=True, providers=["openrouter"])
    assert [(entry.model_id, entry.kind) for entry in answer.differences] == [
        ("vendor/m-3", sync_pb2.DIFFERENCE_KIND_REMOVED),
        ("vendor/m-4", sync_pb2.DIFFERENCE_KIND_REMOVED),
    ]
    assert answer.sync.removed == 2
    error = await refusal(model(catalog, "vendor/m-4"))
    assert error.reason == "MODEL_NOT_FOUND"
    # Who else serves a model keeps it in the catalog.
    lists.say("openrouter", *KNOWN[1:3])
    await sync(catalog, remove_missing=True, providers=["openrouter"])
    assert [offer.provider for offer in (await model(catalog, "gpt-4")).endpoints] == ["openai"]


async def test_a_list_that_lacks_more_than_half_is_not_believed(catalog: Catalog, lists: Lists) -> None:
    lists.say("openrouter", *KNOWN[:2], entry("vendor/new"))
    answer = await sync(catalog, remove_missing=True)
    assert faults(answer)["openrouter"] == "the list lacks 4 of the 6 models that the catalog has"
    assert not answer.differences
    assert [entry.model_id for entry in (await sync(catalog)).differences] == ["vendor/new"]


async def test_a_sync_undone_leaves_the_models_as_they_were(catalog: Catalog, lists: Lists) -> None:
    before = await models(catalog)
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"})
    changed_one = entry("vendor/m-0", "0.000009", "0.000018", context_length=9_000, supported_parameters=["tools"])
    lists.say("openrouter", KNOWN[0], changed_one, *KNOWN[2:5])
    applied = await sync(catalog, remove_missing=True)
    assert (applied.sync.added, applied.sync.changed, applied.sync.removed) == (1, 1, 1)
    assert (await model(catalog, "vendor/m-0")).context_window == 9_000
    revision = await catalog.revision()
    undone = await catalog.stub.RevertSync(RevertSyncRequest(sync_id=applied.sync.id), metadata=ADMIN)
    assert undone.sync.HasField("revert_time")
    assert await models(catalog) == before
    assert [changed(change) for change in await catalog.changes_after(revision)] == [
        "model_removed openai/gpt-6",
        "model_changed vendor/m-0",
        "model_changed vendor/m-4",
    ]
    prices = (await model(catalog, "vendor/m-0")).endpoints[0].prices
    assert len(prices) == 3
    error = await refusal(catalog.stub.RevertSync(RevertSyncRequest(sync_id=applied.sync.id), metadata=ADMIN))
    assert error.reason == "CONFLICT"


async def test_only_the_latest_sync_that_stands_is_undone(catalog: Catalog, lists: Lists) -> None:
    made = []
    for number in (6, 7):
        lists.say("openai", *({"id": f"gpt-{known}"} for known in (4, *range(6, number + 1))))
        made.append((await sync(catalog)).sync.id)
    stub = catalog.stub
    error = await refusal(stub.RevertSync(RevertSyncRequest(sync_id=made[0]), metadata=ADMIN))
    assert (error.reason, error.metadata["latest"]) == ("CONFLICT", made[1])
    for sync_id in reversed(made):
        await stub.RevertSync(RevertSyncRequest(sync_id=sync_id), metadata=ADMIN)
    for unknown in ("01900000-0000-7000-8000-000000000000", "", "no id"):
        error = await refusal(stub.RevertSync(RevertSyncRequest(sync_id=unknown), metadata=ADMIN))
        assert error.reason == "RESOURCE_NOT_FOUND"


async def test_syncs_are_listed_newest_first_page_by_page(catalog: Catalog, lists: Lists) -> None:
    for number in (6, 7, 8):
        lists.say("openai", *({"id": f"gpt-{known}"} for known in (4, *range(6, number + 1))))
        await sync(catalog)
    whole = list((await catalog.stub.ListSyncs(ListSyncsRequest(), metadata=ADMIN)).syncs)
    assert [entry.create_time.ToNanoseconds() for entry in whole] == sorted(
        (entry.create_time.ToNanoseconds() for entry in whole), reverse=True
    )
    joined, token = [], ""
    while page := await catalog.stub.ListSyncs(ListSyncsRequest(page_size=1, page_token=token), metadata=ADMIN):
        joined += page.syncs
        if not (token := page.next_page_token):
            break
    assert joined == whole
    assert len(whole) == 3


async def test_of_two_syncs_at_once_the_second_sees_the_first(catalog: Catalog, lists: Lists) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"})
    answers = await asyncio.gather(*(sync(catalog) for _ in range(4)))
    assert sorted(answer.HasField("sync") for answer in answers) == [False, False, False, True]


async def test_a_seed_undoes_no_sync_until_it_changes_the_row_itself(
    catalog: Catalog, lists: Lists, start_catalog: StartCatalog
) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6"})
    lists.say("openrouter", KNOWN[0], entry("vendor/m-0", "0.000009", "0.000018"), *KNOWN[2:5])
    await sync(catalog, remove_missing=True)
    before = await models(catalog)
    other = msgspec.structs.replace(CLAUDE, display_name="Opus")
    await start_catalog(lists.moved(Seed(WIDE.providers, (other, *WIDE.models[1:]))), environment=BOTH)
    after = dict(await models(catalog))
    assert after.pop(f"model_changed {CLAUDE.id}")["displayName"] == "Opus"
    assert after == {name: told for name, told in before.items() if CLAUDE.id not in name}
    back = msgspec.structs.replace(ROUTED[4], display_name="Back")
    await start_catalog(lists.moved(Seed(WIDE.providers, (other, *WIDE.models[1:-1], back))), environment=BOTH)
    assert (await model(catalog, "vendor/m-4")).display_name == "Back"


async def test_a_seed_takes_over_what_a_sync_had_found_first(
    catalog: Catalog, lists: Lists, start_catalog: StartCatalog
) -> None:
    lists.say("openai", {"id": "gpt-4"}, {"id": "gpt-6-preview"})
    await sync(catalog)
    revision = await catalog.revision()
    offer = endpoint("openai", "gpt-6-preview", ("1", "2"))
    final = msgspec.structs.replace(GPT_4, id="openai/gpt-6", aliases=("gpt-6-preview",), endpoints=(offer,))
    await start_catalog(lists.moved(Seed(WIDE.providers, (*WIDE.models, final))), environment=BOTH)
    assert [changed(change) for change in await catalog.changes_after(revision)] == [
        "model_changed openai/gpt-6",
        "model_changed openai/gpt-6-preview",
    ]
    found = await model(catalog, "gpt-6-preview")
    assert (found.id, [offer.id for offer in found.endpoints]) == ("openai/gpt-6", ["openai:gpt-6-preview"])
    assert not (await model(catalog, "openai/gpt-6-preview")).endpoints


async def test_each_provider_is_asked_with_its_own_key(catalog: Catalog, lists: Lists) -> None:
    await sync(catalog)
    said = {provider: headers.get("authorization") for provider, headers in lists.asked}
    assert said == {"openai": f"Bearer {BOTH['OPENAI_API_KEY']}", "openrouter": f"Bearer {BOTH['OPENROUTER_API_KEY']}"}


@pytest.mark.parametrize("name", ("acme", "", "op\0enai"))
async def test_a_provider_that_lists_nothing_can_t_be_asked(catalog: Catalog, name: str) -> None:
    error = await refusal(sync(catalog, providers=[name]))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "providers")


async def test_syncs_are_for_platform_administrators_alone(catalog: Catalog) -> None:
    for method, request in (
        ("SyncModels", SyncModelsRequest()),
        ("ListSyncs", ListSyncsRequest()),
        ("RevertSync", RevertSyncRequest()),
    ):
        call = getattr(catalog.stub, method)
        error = await refusal(call(request, metadata=as_user(role=ROLE_ORGANISATION_ADMIN)))
        assert error.reason == "ACCESS_DENIED"
