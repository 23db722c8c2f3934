"""What the environment makes of providers, who may know their keys, and who gets to hear of it."""

from typing import Any

import grpc
import pytest
from nats.aio.msg import Msg

from pantheon.catalog.v1.catalog_service_pb2 import ListProvidersRequest, ListSecretsRequest
from services.runtime.bus import Bus
from tests.fixtures.eventually import eventually
from tests.fixtures.refusals import refusal
from tests.integration.catalog.judge import BAD, BUSY, FORBIDDEN, GOOD, JUDGED, Judge
from tests.integration.catalog.key_calls import check, create, delete, listed
from tests.integration.catalog.replica import LOCAL, Catalog, Metadata, StartCatalog, as_user, changed

OPENAI_KEY = "sk-openai-canary-0123456789"
OPENROUTER_KEY = "sk-or-v1-canary-abcdefghij"
SANDBOX = "http://127.0.0.1:8099"


async def providers(catalog: Catalog, **request: Any) -> dict[str, Any]:
    answer = await catalog.stub.ListProviders(ListProvidersRequest(**request), metadata=as_user())
    return {provider.name: provider for provider in answer.providers}


async def keys(catalog: Catalog) -> dict[str, list[str]]:
    """The platform's, by provider, as routers get them."""
    answer = await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))
    assert not any(entry.organisation_id for entry in answer.provider_secrets)
    return {entry.provider: [key.secret for key in entry.secrets] for entry in answer.provider_secrets}


async def heard_after(catalog: Catalog, revision: int) -> list[tuple[str, bool | int]]:
    """What was announced since: which providers are configured, how many keys they have."""
    return [
        (
            changed(change),
            change.provider_keys_changed.count
            if change.HasField("provider_keys_changed")
            else change.provider_changed.provider.configured,
        )
        for change in await catalog.changes_after(revision)
    ]


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
    assert await heard_after(own_catalog, revision) == [
        ("provider_changed openai", False),
        ("provider_changed openrouter", True),
        ("provider_keys_changed openai", 0),
        ("provider_keys_changed openrouter", 1),
    ]


async def test_a_key_that_is_replaced_is_announced_too(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    revision = await own_catalog.revision()
    replaced = await start_catalog(environment={"OPENAI_API_KEY": OPENAI_KEY, **LOCAL})
    assert await heard_after(own_catalog, revision) == [("provider_keys_changed openai", 1)]
    assert (await keys(replaced))["openai"] == [OPENAI_KEY]


async def test_a_start_that_finds_the_same_keys_announces_nothing(
    own_catalog: Catalog, start_catalog: StartCatalog
) -> None:
    revision = await own_catalog.revision()
    await start_catalog()
    assert await own_catalog.revision() == revision


async def test_a_copy_made_from_a_snapshot_knows_how_many_keys_the_environment_has(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(environment={"OPENAI_API_KEY": f"{OPENAI_KEY},short", **LOCAL})
    state = await catalog.state()
    counts = {name: change.provider_keys_changed.count for name, change in state.items() if "keys_changed" in name}
    assert counts == {"provider_keys_changed openai": 2}


async def test_a_moved_provider_is_announced_and_moves_back(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    environment = {"OPENAI_API_KEY": OPENAI_KEY}
    await start_catalog(environment=environment)
    revision = await own_catalog.revision()
    await start_catalog(environment={**environment, "OPENAI_BASE_URL": "http://127.0.0.1:9000/v1/"})
    await start_catalog(environment=environment)
    moved = [change.provider_changed.provider.base_url for change in await own_catalog.changes_after(revision)]
    assert moved == ["http://127.0.0.1:9000/v1", "https://api.openai.com/v1"]


async def test_a_router_gets_the_keys_in_their_order(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(environment={"OPENAI_API_KEY": f"short,{OPENAI_KEY}", **LOCAL})
    assert await keys(catalog) == {"openai": ["short", OPENAI_KEY]}


async def test_keys_from_the_environment_have_the_same_ids_on_every_replica_and_after_every_start(
    start_catalog: StartCatalog,
) -> None:
    async def ids(value: str) -> list[str]:
        catalog = await start_catalog(environment={"OPENAI_API_KEY": value})
        answer = await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))
        return [key.key_id for key in answer.provider_secrets[0].secrets]

    first, second = await ids(f"short,{OPENAI_KEY}")
    assert await ids(f"{OPENAI_KEY},short") == [second, first]
    assert first != second


async def test_nobody_gets_keys_who_asks_for_none(catalog: Catalog) -> None:
    assert not (await catalog.internal.ListSecrets(ListSecretsRequest())).provider_secrets


@pytest.mark.parametrize("metadata", ((), as_user()))
async def test_nobody_but_a_service_gets_keys(catalog: Catalog, metadata: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await catalog.stub.ListSecrets(ListSecretsRequest(providers=True), metadata=metadata)
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
    assert await keys(catalog) == {name: ["sandbox"] for name in simulated}
    assert found["local"].base_url == "", "what is not simulated is nowhere"


async def test_leaving_the_sandbox_is_announced(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(sandbox_url=SANDBOX)
    revision = await catalog.revision()
    await start_catalog()
    assert await heard_after(catalog, revision) == [
        ("provider_changed anthropic", False),
        ("provider_changed local", True),
        ("provider_changed openai", True),
        ("provider_changed openrouter", False),
        ("provider_keys_changed anthropic", 0),
        ("provider_keys_changed openai", 1),
        ("provider_keys_changed openrouter", 0),
    ]
    assert not any(provider.sandbox for provider in (await providers(catalog)).values())


async def test_keys_are_in_no_log_no_event_no_table_and_no_answer(
    start_catalog: StartCatalog,
    bus: Bus,
    judge: Judge,
    admin: Metadata,
    operator: Metadata,
    capfd: pytest.CaptureFixture[str],
) -> None:
    heard: list[tuple[str, bytes]] = []

    async def hear(message: Msg) -> None:
        heard.append((message.subject, message.data))

    def events_of_keys() -> int:
        return sum(subject.endswith("provider_keys_changed") for subject, _ in heard)

    await bus.nc.subscribe("pantheon.>", cb=hear)
    await start_catalog(JUDGED, bus=bus)
    environment = {"OPENAI_API_KEY": f"{OPENAI_KEY},{OPENROUTER_KEY}", "OPENROUTER_API_KEY": OPENROUTER_KEY}
    catalog = await start_catalog(JUDGED, environment={**judge.environment, **environment}, bus=bus)
    assert len((await keys(catalog))["openai"]) == 2
    key = await create(catalog, admin)
    wide = await create(catalog, operator, BUSY, "anthropic", platform_wide=True)
    errors = [await refusal(create(catalog, admin, secret)) for secret in (GOOD, BAD, FORBIDDEN, "sk canary")]
    answers: list[object] = [key, wide, *await listed(catalog, admin), *await listed(catalog, operator)]
    answers += [await check(catalog, admin, key.id), *(await catalog.state()).values()]
    answers += [part for error in errors for part in (error.message, error.metadata)]
    await delete(catalog, admin, key.id)
    await eventually(lambda: events_of_keys() == 5)

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
    assert "provider_key.checked" in logged
    assert len(held) > 20
    for text in (*held, *map(str, heard), *map(str, answers), logged, repr(catalog.environment_keys)):
        assert "canary" not in text
