"""The real seed against the lists of the simulated providers: the shapes that the real ones have."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_PLATFORM_ADMIN
from pantheon.catalog.v1.catalog_service_pb2 import RevertSyncRequest
from services.catalog.seed.load import load_models, load_providers
from services.catalog.seed_changes import Seed
from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer
from tests.integration.catalog.lists import sync
from tests.integration.catalog.replica import Catalog, StartCatalog, as_user

ADMIN = as_user(role=ROLE_PLATFORM_ADMIN)
FOUR = ["anthropic", "gemini", "openai", "openrouter"]


@pytest.fixture
async def sandbox() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as server:
        yield server


@pytest.fixture
async def catalog(sandbox: SandboxServer, start_catalog: StartCatalog) -> Catalog:
    return await start_catalog(Seed(load_providers(), load_models()), sandbox_url=sandbox.url)


async def test_the_lists_of_all_four_are_read_applied_and_undone(catalog: Catalog) -> None:
    before = await catalog.state()
    shown = await sync(catalog, dry_run=True)
    assert [(listing.provider, listing.models > 5, listing.fault) for listing in shown.listings] == [
        (name, True, "") for name in FOUR
    ]
    differing = {
        difference.model_id: {field.field: (field.before, field.after) for field in difference.fields}
        for difference in shown.differences
    }
    assert differing["anthropic/claude-opus-4.6"]["context_window"] == ("1000000", "200000")
    assert differing["google/gemini-2.5-pro"]["default_parameters"] == ("", "temperature 1, top_p 0.95")
    assert differing["mistralai/mistral-nemo"]["openrouter:mistralai/mistral-nemo prompt_token"] == ("0.15", "0.019")
    assert "openai/gpt-4o" not in differing
    applied = await sync(catalog, expected_digest=shown.digest)
    assert applied.sync.changed + applied.sync.added == len(shown.differences)
    assert applied.sync.removed == 0
    assert not (await sync(catalog)).differences
    await catalog.stub.RevertSync(RevertSyncRequest(sync_id=applied.sync.id), metadata=ADMIN)
    after = await catalog.state()
    assert after.keys() == before.keys()
    for name, change in after.items():
        was, is_now = before[name].model_changed.model, change.model_changed.model
        assert (was.context_window, was.parameters, was.aliases) == (
            is_now.context_window,
            is_now.parameters,
            is_now.aliases,
        )


@pytest.mark.parametrize(
    "orders", ({"empty": True}, {"malformed": True}, {"status": 503}, {"reset": True}, {"truncate": True})
)
async def test_lists_that_go_wrong_leave_the_catalog_as_it_is(
    catalog: Catalog, sandbox: SandboxServer, orders: dict[str, Any]
) -> None:
    revision = await catalog.revision()
    sandbox.rules.add(Rule(directives=Directives(**orders), reading=True))
    answer = await sync(catalog, remove_missing=True)
    assert [listing.provider for listing in answer.listings if listing.fault] == FOUR
    assert not answer.differences
    assert await catalog.revision() == revision
