"""The master key: which ones a catalog needs, and how it comes to another."""

import asyncio
import base64
import sys
from pathlib import Path

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsRequest, RotateMasterKeyRequest
from services.catalog.resources import SEALING_PURPOSE
from services.catalog.rotation import rotate
from services.local.process import Process
from services.runtime.sealing import Sealer
from tests.fixtures.refusals import refusal
from tests.integration.catalog.judge import ENVIRONMENT_KEY, GOOD, JUDGED, Judge
from tests.integration.catalog.key_calls import create
from tests.integration.catalog.people import Person, described
from tests.integration.catalog.replica import PEPPER, Catalog, Metadata, StartCatalog

OLD, NEW, OTHER = bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)
MODEL_KEY = "sk-model-canary-0123456789"
START_SECONDS = 40


async def rotated(catalog: Catalog, metadata: Metadata) -> tuple[int, int]:
    answer = await catalog.stub.RotateMasterKey(RotateMasterKeyRequest(), metadata=metadata)
    return answer.resealed, answer.current


async def opened(catalog: Catalog, model_id: str) -> list[str]:
    """All secrets that routers get."""
    answer = await catalog.internal.ListSecrets(ListSecretsRequest(providers=True, custom_model_ids=[model_id]))
    models = [entry.secret for entry in answer.custom_model_secrets]
    return [key.secret for entry in answer.provider_secrets for key in entry.secrets] + models


async def test_a_catalog_comes_to_another_master_key_without_losing_a_secret(
    start_catalog: StartCatalog, judge: Judge, admin: Metadata, operator: Metadata
) -> None:
    before = await start_catalog(JUDGED, environment=judge.with_a_key, master_keys=[OLD])
    await create(before, admin)
    await create(before, operator, "sk-platform-canary", "anthropic", platform_wide=True)
    model = await Person().create(before, described(), MODEL_KEY)
    everything = sorted([ENVIRONMENT_KEY, GOOD, "sk-platform-canary", MODEL_KEY])
    assert sorted(await opened(before, model.id)) == everything

    both = await start_catalog(JUDGED, environment=judge.with_a_key, master_keys=[NEW, OLD])
    assert sorted(await opened(both, model.id)) == everything
    revision = await both.revision()
    assert await rotated(both, operator) == (3, 0)
    assert await rotated(both, operator) == (0, 3)
    assert await both.revision() == revision, "the keys are the same: nobody need ask for them again"

    after = await start_catalog(JUDGED, environment=judge.with_a_key, master_keys=[NEW])
    assert sorted(await opened(after, model.id)) == everything
    for keys in ([OLD], [OTHER], [OTHER, OLD]):
        with pytest.raises(SystemExit, match=r"^PANTHEON_MASTER_KEY: "):
            await start_catalog(JUDGED, environment=judge.with_a_key, master_keys=keys)


async def test_a_rotation_that_was_cut_short_is_finished_by_another(
    start_catalog: StartCatalog, admin: Metadata, operator: Metadata, judge: Judge
) -> None:
    before = await start_catalog(JUDGED, environment=judge.environment, master_keys=[OLD])
    await create(before, admin, "first-canary")
    both = await start_catalog(JUDGED, environment=judge.environment, master_keys=[NEW, OLD])
    await create(both, admin, "second-canary")
    assert await rotated(both, operator) == (1, 1)
    assert sorted(await opened(both, "")) == ["first-canary", "second-canary"]


async def test_more_secrets_than_one_transaction_takes_are_all_sealed_anew(
    start_catalog: StartCatalog, judge: Judge, admin: Metadata
) -> None:
    catalog = await start_catalog(JUDGED, environment=judge.environment, master_keys=[OLD])
    await create(catalog, admin)
    sealer = Sealer([OLD], SEALING_PURPOSE)
    async with catalog.db.write() as connection:
        (row,) = (await connection.exec_driver_sql("SELECT * FROM provider_keys")).mappings().all()
        for number in range(500):
            key_id = f"01900000-0000-7000-8000-{number:012}"
            sealed = sealer.seal(b"another-canary", f"provider_key:{key_id}")
            await connection.exec_driver_sql(
                "INSERT INTO provider_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                (key_id, *list(row.values())[1:5], str(number).encode(), sealed, *list(row.values())[7:]),
            )
    outcome = await rotate(catalog.db, Sealer([NEW, OLD], SEALING_PURPOSE))
    assert (outcome.resealed, outcome.current) == (501, 0)
    outcome = await rotate(catalog.db, Sealer([NEW], SEALING_PURPOSE))
    assert (outcome.resealed, outcome.current) == (0, 501)


async def test_a_damaged_envelope_is_named_and_keeps_no_other_from_being_used_or_rotated(
    start_catalog: StartCatalog, judge: Judge, admin: Metadata, operator: Metadata
) -> None:
    catalog = await start_catalog(JUDGED, environment=judge.environment, master_keys=[NEW, OLD])
    damaged = await create(catalog, admin, "damaged-canary")
    await create(catalog, admin, "whole-canary")
    async with catalog.db.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE provider_keys SET sealed = substr(sealed, 1, 20) WHERE id = $1", (damaged.id,)
        )
    assert await opened(catalog, "") == ["whole-canary"]
    error = await refusal(rotated(catalog, operator))
    assert (error.reason, error.metadata["id"]) == ("CONFLICT", f"provider_key:{damaged.id}")


async def test_only_platform_administrators_rotate(asking: Catalog, admin: Metadata) -> None:
    for metadata, reason in ((admin, "ACCESS_DENIED"), ((), "CREDENTIALS_MISSING")):
        assert (await refusal(rotated(asking, metadata))).reason == reason


async def test_without_a_master_key_it_needs_the_process_ends_with_one_line(
    start_catalog: StartCatalog,
    judge: Judge,
    admin: Metadata,
    catalog_database_url: str,
    service_keys: Path,
    tmp_path: Path,
) -> None:
    catalog = await start_catalog(JUDGED, environment=judge.environment, master_keys=[OLD])
    await create(catalog, admin)
    environment = {
        "PANTHEON_ENV_FILE": "",
        "PANTHEON_DATABASE_URL": catalog_database_url,
        "PANTHEON_SERVICE_KEYS": str(service_keys),
        "PANTHEON_KEY_PEPPER": PEPPER.decode(),
        "PANTHEON_MASTER_KEY": base64.b64encode(NEW).decode(),
    }
    log = tmp_path / "catalog.log"
    process = await Process.spawn("catalog", [sys.executable, "-m", "services.catalog"], log_path=log, env=environment)
    try:
        async with asyncio.timeout(START_SECONDS):
            assert await process.wait() == 1
    finally:
        await process.stop(grace=10)
    lines = [line for line in log.read_text().splitlines() if not line.startswith("{")]
    assert lines == ["PANTHEON_MASTER_KEY: secrets in this database were encrypted under a key that is not in it"]
