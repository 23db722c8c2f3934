"""The seed in a real database: written once, by whom it may be, and announced where somebody may be listening."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError

from pantheon.catalog.v1.catalog_service_pb2 import GetModelRequest
from pantheon.events.v1.change_feed_service_pb2 import ListChangesRequest
from services.catalog.seed.load import load_models, load_providers
from services.catalog.seed.rows import SeedModel
from services.catalog.seed_changes import Seed
from services.catalog.tables import METADATA, MODELS, PRICE_VERSIONS
from services.runtime.ids import uuid7
from tests.fixtures.refusals import refusal
from tests.integration.catalog.replica import Catalog, StartCatalog, as_user, changed
from tests.unit.catalog.samples import CLAUDE, GPT_4, LLAMA, OPENAI, SEED, price

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
CLAUDE_OFFER = CLAUDE.endpoints[0]


def with_models(*models: SeedModel) -> Seed:
    return Seed(SEED.providers, models)


def with_claude_price(*prices: Any) -> Seed:
    offer = msgspec.structs.replace(CLAUDE_OFFER, prices=prices)
    return with_models(msgspec.structs.replace(CLAUDE, endpoints=(offer,)), LLAMA, GPT_4)


async def rows(catalog: Catalog) -> dict[str, list[Any]]:
    """Everything in the catalog's own tables."""
    async with catalog.db.read() as connection:
        return {
            name: sorted(map(str, await connection.execute(table.select()))) for name, table in METADATA.tables.items()
        }


async def execute(catalog: Catalog, statement: Any) -> None:
    async with catalog.db.write() as connection:
        await connection.execute(statement)


async def prices_of(catalog: Catalog, model_id: str) -> list[Any]:
    """The prices of a model's first endpoint, oldest first."""
    state = await catalog.state()
    return list(state[f"model_changed {model_id}"].model_changed.model.endpoints[0].prices)


async def test_the_real_seed_is_applied_whole(start_catalog: StartCatalog) -> None:
    seed = Seed(load_providers(), load_models())
    state = await (await start_catalog(seed)).state()
    events = [name.partition(" ")[0] for name in state]
    assert events.count("provider_changed") == len(seed.providers)
    assert events.count("model_changed") == len(seed.models)
    for model in seed.models:
        kept = state[f"model_changed {model.id}"].model_changed.model
        assert [endpoint.id for endpoint in kept.endpoints] == [endpoint.id for endpoint in model.endpoints]
        assert [version.id for endpoint in kept.endpoints for version in endpoint.prices] == [
            entry.id for endpoint in model.endpoints for entry in endpoint.prices
        ]
        assert set(kept.aliases) == set(model.aliases)


async def test_a_second_start_and_a_second_replica_change_nothing(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    before, revision = await rows(own_catalog), await own_catalog.revision()
    await start_catalog()
    assert await rows(own_catalog) == before
    assert await own_catalog.revision() == revision


async def test_replicas_that_start_together_apply_the_seed_once(start_catalog: StartCatalog) -> None:
    replicas = await asyncio.gather(*(start_catalog() for _ in range(3)))
    revisions = {await replica.revision() for replica in replicas}
    assert len(revisions) == 1
    assert await replicas[0].changes_after(revisions.pop()) == []


async def test_a_new_catalog_asks_everybody_to_take_a_snapshot(own_catalog: Catalog) -> None:
    for known in (0, 7, await own_catalog.revision() - 1):
        error = await refusal(own_catalog.feed.ListChanges(ListChangesRequest(after_revision=known)))
        assert error.reason == "RESOURCE_NOT_FOUND"


async def test_only_what_a_seed_changes_is_announced(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    revision = await own_catalog.revision()
    longer = msgspec.structs.replace(GPT_4, context_window=16_384, aliases=("gpt-4", "gpt-four"))
    renamed = msgspec.structs.replace(OPENAI, display_name="OpenAI, Inc.")
    await start_catalog(Seed((renamed, *SEED.providers[1:]), (CLAUDE, LLAMA, longer)))
    provider, model = await own_catalog.changes_after(revision)
    assert (provider.revision, model.revision) == (revision + 1, revision + 2)
    assert provider.provider_changed.provider.display_name == "OpenAI, Inc."
    assert provider.provider_changed.provider.configured
    assert model.model_changed.model.context_window == 16_384
    assert list(model.model_changed.model.aliases) == ["gpt-4", "gpt-four"]
    assert len(model.model_changed.model.endpoints) == 2


async def test_a_corrected_price_is_appended_beside_the_wrong_one(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    revision = await own_catalog.revision()
    (wrong,) = await prices_of(own_catalog, CLAUDE.id)
    await start_catalog(
        with_claude_price(price(CLAUDE_OFFER.id, "14", "70"), price(CLAUDE_OFFER.id, "7", "35", YESTERDAY))
    )
    (change,) = await own_catalog.changes_after(revision)
    assert changed(change) == f"model_changed {CLAUDE.id}"
    kept, right, newer = change.model_changed.model.endpoints[0].prices
    assert kept == wrong
    assert right.effective_time == wrong.effective_time
    assert right.record_time.ToDatetime(UTC) > wrong.record_time.ToDatetime(UTC)
    assert [entry.price.value for entry in right.unit_prices] == ["14", "70"]
    assert newer.effective_time.ToDatetime(UTC) == YESTERDAY


async def test_prices_can_neither_be_changed_nor_deleted(own_catalog: Catalog) -> None:
    for statement in (
        "UPDATE unit_prices SET price = 0",
        "UPDATE price_versions SET effective_time = now()",
        "DELETE FROM unit_prices",
        "TRUNCATE price_versions CASCADE",
    ):
        with pytest.raises(DBAPIError, match="appended, never changed"):
            await execute(own_catalog, text(statement))


async def test_a_removed_model_is_gone_and_its_prices_are_kept(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    revision, before = await own_catalog.revision(), await rows(own_catalog)
    await start_catalog(with_models(LLAMA, GPT_4))
    assert [changed(change) for change in await own_catalog.changes_after(revision)] == [f"model_removed {CLAUDE.id}"]
    assert f"model_changed {CLAUDE.id}" not in await own_catalog.state()
    assert (await rows(own_catalog))["catalog.price_versions"] == before["catalog.price_versions"]


async def test_a_model_that_comes_back_has_its_old_prices(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    before = await own_catalog.state()
    await start_catalog(with_models(LLAMA, GPT_4))
    revision = await own_catalog.revision()
    await start_catalog(with_models(GPT_4, LLAMA, CLAUDE))
    (change,) = await own_catalog.changes_after(revision)
    assert change.model_changed == before[f"model_changed {CLAUDE.id}"].model_changed


async def test_an_alias_and_an_endpoint_can_move_from_one_model_to_another(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    stays, moves = GPT_4.endpoints
    poorer = msgspec.structs.replace(GPT_4, aliases=("gpt-4-0613",), endpoints=(stays,))
    richer = msgspec.structs.replace(LLAMA, aliases=("gpt-4",), endpoints=(moves, *LLAMA.endpoints))
    await start_catalog(with_models(CLAUDE, richer, poorer))
    answer = await own_catalog.stub.GetModel(GetModelRequest(model_id="gpt-4"), metadata=as_user())
    assert answer.model.id == LLAMA.id
    assert [endpoint.id for endpoint in answer.model.endpoints] == [moves.id, "local:llama3"]
    assert [version.id for version in answer.model.endpoints[0].prices] == [entry.id for entry in moves.prices]


async def test_what_somebody_else_changed_stays_until_the_seed_changes_it(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    await execute(own_catalog, update(MODELS).where(MODELS.c.id == LLAMA.id).values(display_name="Our Llama"))
    await start_catalog(with_models(CLAUDE, LLAMA, msgspec.structs.replace(GPT_4, display_name="GPT 4")))
    kept = (await own_catalog.state())[f"model_changed {LLAMA.id}"].model_changed.model
    assert kept.display_name == "Our Llama"


async def test_a_price_from_elsewhere_is_not_taken_back_by_the_seed(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    contract = {"id": str(uuid7()), "endpoint_id": CLAUDE_OFFER.id, "effective_time": YESTERDAY, "seeded": False}
    await execute(own_catalog, insert(PRICE_VERSIONS).values(**contract, record_time=YESTERDAY, source="contract 17"))
    await start_catalog(with_models(CLAUDE, LLAMA))
    assert [version.source for version in await prices_of(own_catalog, CLAUDE.id)] == ["samples 1", "contract 17"]


async def test_an_older_replica_that_starts_amid_an_upgrade_sets_nothing_back(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    await start_catalog(with_claude_price(price(CLAUDE_OFFER.id, "7", "35")))
    revision, before = await own_catalog.revision(), await rows(own_catalog)
    await start_catalog()
    assert await own_catalog.revision() == revision
    assert await rows(own_catalog) == before
