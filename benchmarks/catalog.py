"""A large catalog: 10,000 models and 100,000 users' settings. How quickly it lists, and what a router's copy costs.

The catalog answers over gRPC from a durable Postgres, one call at a time; client and server share this process, so its
figures hold both. The router's copy is loaded in a process of its own. `python -m benchmarks.catalog [--json]`
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import uvloop

from benchmarks.catalog_copy import Measured
from benchmarks.figures import Figure, quantiles, show
from benchmarks.files import server_directory
from pantheon.catalog.v1 import model_pb2
from pantheon.catalog.v1.catalog_service_pb2 import GetModelRequest, GetUserSettingsRequest, ListModelsRequest
from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest
from services.catalog.entities import Endpoint, Model, Parameters, UserSettings
from services.catalog.store import seed as store
from services.catalog.tables import USER_SETTINGS
from services.local.postgres import LocalPostgres
from services.rating import SINCE_EVER, PriceUnit, PriceVersion, UnitPrice
from services.runtime import logging
from services.runtime.db import WriteConnection
from services.runtime.identity import generate
from services.runtime.ids import uuid7
from tests.integration.catalog.conftest import migrated
from tests.integration.catalog.replica import Catalog, as_user, started

_MODELS = 10_000
_USERS = 100_000
_CALLS = 300
_WARM_UP = 20
_BATCH = 5_000
_NOW = datetime(2026, 11, 22, tzinfo=UTC)

_LISTS = {
    "by id": ListModelsRequest(page_size=100),
    "by price, that take tools": ListModelsRequest(
        page_size=100,
        order=model_pb2.MODEL_ORDER_PROMPT_PRICE,
        capabilities=[model_pb2.CAPABILITY_TOOLS],
    ),
    "by search": ListModelsRequest(page_size=100, search="model-77"),
}


async def measure() -> list[Figure]:
    """Latencies in milliseconds, sizes in MiB."""
    with server_directory() as directory:
        generate(directory / "keys", ["catalog", "router"])
        async with LocalPostgres(directory / "postgres") as postgres, AsyncExitStack() as stack:
            await migrated(postgres.dsn())
            catalog = await started(stack, postgres.dsn(), directory / "keys")
            async with catalog.db.write() as connection:
                await _fill(connection)
            async with catalog.db.write() as connection:
                await connection.exec_driver_sql("ANALYZE")
            return [*await _calls(catalog), *await _copies(catalog, directory / "changes")]


async def _fill(connection: WriteConnection) -> None:
    models = [_model(number) for number in range(_MODELS)]
    await store.write_models(connection, [(model, b"") for model in models], _NOW)
    prices = [
        (endpoint.id, _price(number, since))
        for number, model in enumerate(models)
        for endpoint in model.endpoints
        for since in (SINCE_EVER, _NOW)
    ]
    for start in range(0, len(prices), _BATCH):
        await store.append_prices(connection, prices[start : start + _BATCH])
    users = [_settings(number) for number in range(_USERS)]
    for start in range(0, len(users), _BATCH):
        await connection.execute(USER_SETTINGS.insert(), users[start : start + _BATCH])


def _model(number: int) -> Model:
    name = f"vendor-{number % 50}/model-{number}"
    return Model(
        id=name,
        display_name=f"Model {number}",
        aliases=(f"model-{number}",),
        context_window=8_192 * (1 + number % 32),
        max_output_tokens=4_096,
        input_modalities=(model_pb2.MODALITY_TEXT,),
        output_modalities=(model_pb2.MODALITY_TEXT,),
        supports_tools=number % 3 == 0,
        endpoints=(Endpoint("openai", f"model-{number}"), Endpoint("openrouter", name)),
    )


def _price(number: int, since: datetime) -> PriceVersion:
    units = (
        UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(number % 97) / 4, 1_000_000),
        UnitPrice(PriceUnit.CACHED_TOKEN, Decimal(number % 97) / 16, 1_000_000),
        UnitPrice(PriceUnit.COMPLETION_TOKEN, Decimal(number % 89), 1_000_000),
    )
    return PriceVersion(str(uuid7()), since, _NOW, units, "benchmark")


def _settings(number: int) -> dict[str, object]:
    settings = UserSettings(str(uuid7()), f"model-{number % _MODELS}", Parameters(temperature=number % 20 / 10))
    return {
        "user_id": settings.user_id,
        "preferred_model": settings.preferred_model,
        "temperature": settings.parameters.temperature,
        "use_cases": {},
        "update_time": _NOW,
    }


async def _calls(catalog: Catalog) -> list[Figure]:
    stub, metadata = catalog.stub, as_user()
    figures = []
    for name, request in _LISTS.items():

        async def listed(request: ListModelsRequest = request) -> None:
            await stub.ListModels(request, metadata=metadata)

        figures += await _latency(f"catalog: list a page of 100 of {_MODELS:,} models {name}", listed)
    numbers: Iterator[int] = iter(range(10**6))

    async def resolved() -> None:
        await stub.GetModel(GetModelRequest(model_id=f"model-{next(numbers) * 31 % _MODELS}"), metadata=metadata)

    async def settings() -> None:
        await stub.GetUserSettings(GetUserSettingsRequest(), metadata=metadata)

    figures += await _latency("catalog: show a model by its alias", resolved)
    return figures + await _latency("catalog: show a user's settings", settings)


async def _latency(name: str, call: Callable[[], Awaitable[None]]) -> list[Figure]:
    for _ in range(_WARM_UP):
        await call()
    seconds = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - began)
    middle, late = quantiles(seconds)
    return [Figure(name, late * 1e3, "ms p99", "", f"median {middle * 1e3:.1f} ms, of {_CALLS} calls")]


async def _copies(catalog: Catalog, path: Path) -> list[Figure]:
    """The snapshot as it goes over the wire, and as a router holds it."""
    began, size = time.perf_counter(), 0
    with path.open("wb") as file:
        async for part in catalog.feed.GetSnapshot(GetSnapshotRequest()):
            body = part.SerializeToString()
            size += len(body)
            file.write(len(body).to_bytes(4, "big") + body)
    sent = time.perf_counter() - began
    copying = [sys.executable, "-m", "benchmarks.catalog_copy", str(path)]
    output = await asyncio.to_thread(subprocess.run, copying, stdout=subprocess.PIPE, check=True)
    copy = Measured.from_json(output.stdout)
    both = f"{_MODELS:,} models, {_USERS:,} users' settings"
    return [
        Figure("snapshot: read and sent", sent, "s", "", f"{both}; {size / 2**20:.0f} MiB"),
        Figure("router: snapshot loaded", copy.seconds, "s", "", f"{both}; CPU of a router"),
        Figure("router: memory of the snapshot", copy.mebibytes, "MiB", "", "resident, beside an empty router's"),
        Figure("router: plan of a request", copy.plan_p99, "µs p99", "", f"median {copy.plan_median:.1f} µs, by alias"),
        Figure("router: plan of `auto`", copy.auto_p99, "µs p99", "", f"median {copy.auto_median:.1f} µs"),
    ]


if __name__ == "__main__":
    logging.configure("benchmark", "error")
    show(uvloop.run(measure()))
