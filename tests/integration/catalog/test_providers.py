"""What the environment makes of providers, who may know their keys, and who gets to hear of it."""

from typing import Any

import grpc
import pytest
from nats.aio.msg import Msg

from pantheon.catalog.v1.catalog_service_pb2 import ListProviderKeysRequest, ListProvidersRequest
from services.runtime.bus import Bus
from services.runtime.status import error_from_rpc
from tests.fixtures.eventually import eventually
from tests.integration.catalog.replica import LOCAL, Catalog, StartCatalog, as_user, changed

OPENAI_KEY = "sk-openai-canary-0123456789"
OPENROUTER_KEY = "sk-or-v1-canary-abcdefghij"
SANDBOX = "http://127.0.0.1:8099"


async def providers(catalog: Catalog, **request: Any) -> dict[str, Any]:
    answer = await catalog.stub.ListProviders(ListProvidersRequest(**request), metadata=as_user())
    return {provider.name: provider for provider in answer.providers}


async def keys(catalog: Catalog, provider: str = "") -> dict[str, list[tuple[str, str]]]:
    answer = await catalog.internal.ListProviderKeys(ListProviderKeysRequest(provider=provider))
    return {entry.provider: [(key.label, key.secret) for key in entry.keys] for entry in answer.provider_keys}


async def test_providers_are_listed_by_name_with_what_the_environment_makes_of_them(catalog: Catalog) -> None:
    found = await providers(catalog)
    assert list(found) == ["anthropic", "local", "openai", "openrouter"]
    assert [name for name, provider in found.items() if provider.configured] == ["local", "openai"]
    assert found["openai"].base_url == "https://api.openai.com/v1"
    assert list(await providers(catalog, configured_only=True)) == ["local", "openai"]


async def test_providers_come_in_pages(catalog: Catalog) -> None:
    first = await catalog.stub.ListProviders(ListProvidersRequest(page_size=3), metadata=as_user())
    rest = ListProvidersRequest(page_size=3, page_token=first.next_page_token)
    second = await catalog.stub.ListProviders(rest, metadata=as_user())
    assert [provider.name for provider in (*first.providers, *second.providers)] == list(await providers(catalog))
    assert second.next_page_token == ""


async def test_a_key_that_is_set_or_taken_away_is_announced_at_the_next_start(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    revision = await own_catalog.revision()
    await start_catalog(environment={"OPENROUTER_API_KEY": OPENROUTER_KEY, **LOCAL})
    changes = await own_catalog.changes_after(revision)
    assert [changed(change) for change in changes] == ["provider_changed openai", "provider_changed openrouter"]
    assert [change.provider_changed.provider.configured for change in changes] == [False, True]


async def test_a_key_that_is_replaced_is_announced_too(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    revision = await own_catalog.revision()
    replaced = await start_catalog(environment={"OPENAI_API_KEY": OPENAI_KEY, **LOCAL})
    assert [changed(change) for change in await own_catalog.changes_after(revision)] == ["provider_changed openai"]
    assert (await keys(replaced))["openai"] == [("6789", OPENAI_KEY)]


async def test_a_moved_provider_is_announced_and_moves_back(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    environment = {"OPENAI_API_KEY": OPENAI_KEY}
    await start_catalog(environment=environment)
    revision = await own_catalog.revision()
    await start_catalog(environment={**environment, "OPENAI_BASE_URL": "http://127.0.0.1:9000/v1/"})
    await start_catalog(environment=environment)
    moved = [change.provider_changed.provider.base_url for change in await own_catalog.changes_after(revision)]
    assert moved == ["http://127.0.0.1:9000/v1", "https://api.openai.com/v1"]


async def test_a_router_gets_the_keys_of_configured_providers(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(environment={"OPENAI_API_KEY": f"{OPENAI_KEY},short", **LOCAL})
    both = [("6789", OPENAI_KEY), ("env:2", "short")]
    assert await keys(catalog) == {"local": [], "openai": both}
    assert await keys(catalog, "openai") == {"openai": both}
    assert await keys(catalog, "anthropic") == {}


async def test_the_keys_of_a_provider_nobody_knows_are_not_found(catalog: Catalog) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await keys(catalog, "acme")
    assert error_from_rpc(caught.value).metadata == {"resource": "provider", "id": "acme"}


@pytest.mark.parametrize("metadata", ((), as_user()))
async def test_nobody_but_a_service_gets_keys(catalog: Catalog, metadata: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await catalog.stub.ListProviderKeys(ListProviderKeysRequest(), metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_sandbox_stands_in_for_the_providers_it_simulates_and_nothing_else_is_used(
    start_catalog: StartCatalog,
) -> None:
    environment = {"OPENAI_API_KEY": OPENAI_KEY, "ANTHROPIC_API_KEY": "sk-ant-canary-0123456789"}
    catalog = await start_catalog(environment=environment, sandbox_url=SANDBOX)
    found = await providers(catalog)
    assert {name: provider.base_url for name, provider in found.items() if provider.sandbox} == {
        "anthropic": f"{SANDBOX}/anthropic",
        "openai": f"{SANDBOX}/openai/v1",
        "openrouter": f"{SANDBOX}/openrouter/api/v1",
    }
    simulated = ["anthropic", "openai", "openrouter"]
    assert [name for name, provider in found.items() if provider.configured] == simulated
    assert await keys(catalog) == {name: [("sandbox", "sandbox")] for name in simulated}


async def test_leaving_the_sandbox_is_announced(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(sandbox_url=SANDBOX)
    revision = await catalog.revision()
    await start_catalog()
    assert [
        (changed(change), change.provider_changed.provider.configured, change.provider_changed.provider.sandbox)
        for change in await catalog.changes_after(revision)
    ] == [
        ("provider_changed anthropic", False, False),
        ("provider_changed local", True, False),
        ("provider_changed openai", True, False),
        ("provider_changed openrouter", False, False),
    ]


async def test_keys_are_in_no_log_no_event_and_no_table(
    start_catalog: StartCatalog, bus: Bus, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[bytes] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    await bus.nc.subscribe("pantheon.>", cb=hear)
    await start_catalog(bus=bus)
    environment = {"OPENAI_API_KEY": f"{OPENAI_KEY},{OPENROUTER_KEY}", "OPENROUTER_API_KEY": OPENROUTER_KEY}
    catalog = await start_catalog(environment=environment, bus=bus)
    assert len((await keys(catalog))["openai"]) == 2
    await eventually(lambda: any(b"https://openrouter.ai" in entry for entry in heard))

    async with catalog.db.read() as connection:
        tables = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'catalog'")
        held = [
            str(row)
            for table in tables.scalars().all()
            for row in await connection.exec_driver_sql(f"SELECT * FROM catalog.{table}")  # noqa: S608 - our own tables
        ]
    captured = capfd.readouterr()
    logged = captured.out + captured.err
    assert "catalog.providers_configured" in logged
    assert len(held) > 20
    for text in (*held, *map(str, heard), logged, repr(catalog.found)):
        assert "canary" not in text
