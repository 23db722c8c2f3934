"""At the start: the seed and the environment go into the database, and what they change is announced.

One transaction under a lock, so that of replicas that start together the first does it and the others find it done.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.catalog import messages
from services.catalog.provider_key_messages import keys_changed
from services.catalog.provider_keys import OpenKey, environment_keys
from services.catalog.providers import Circumstances, circumstances, under
from services.catalog.seed.use_cases import DEFAULTS
from services.catalog.seed_changes import Seed, SeedChanges, Written, seed_changes
from services.catalog.store import model_writing, models, provider_keys, providers, use_cases
from services.catalog.store import seed as seed_store
from services.catalog.use_case_messages import platform_changed
from services.runtime import times
from services.runtime.db import WriteConnection
from services.runtime.logging import get_logger
from services.runtime.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where this process runs: its environment variables, the sandbox's URL (empty: none), the pepper of hashes."""

    environment: Mapping[str, str] = field(repr=False)
    sandbox_url: str
    pepper: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Differences:
    """The names of providers that are others than they were, and how many keys those have whose keys are."""

    providers: set[str] = field(default_factory=set)
    keys: dict[str, int] = field(default_factory=dict)


async def prepare(outbox: Outbox, seed: Seed, surroundings: Surroundings) -> list[OpenKey]:
    """Brings the catalog up to date. Returns the keys in the environment; see `environment_keys`.

    Nobody can have followed a new catalog before it holds anything, so its first seed is announced to nobody: readers
    begin with a snapshot. Later, each change is an event.

    Raises:
        SystemExit: see `circumstances`.
    """
    async with outbox.db.write() as connection:
        await model_writing.lock(connection)
        now = times.now()
        applied = await seed_store.applied(connection)
        changes = await _apply_seed(connection, seed, applied, now)
        found, differences = await _apply_environment(connection, surroundings)
        advises_anew = await _apply_defaults(connection)
        if not applied:
            await seed_store.begin_revisions(connection, now)
        else:
            changed = differences.providers | {provider.name for provider, _ in changes.providers}
            await _announce(outbox, connection, changes, changed)
            for name, held in differences.keys.items():
                await outbox.add(connection, keys_changed(name, "", held))
            if advises_anew:
                await outbox.add(connection, platform_changed(DEFAULTS))
    return environment_keys(found, surroundings.pepper)


async def _apply_seed(connection: WriteConnection, seed: Seed, applied: Sequence[bytes], now: datetime) -> SeedChanges:
    log = get_logger()
    digest = seed.digest
    if digest in applied:
        if digest != applied[-1]:
            # A replica of the version before, started again amid an upgrade, must not set prices back.
            log.warning("catalog.replaced_seed_ignored", digest=digest.hex())
        return SeedChanges()
    written = Written({}, {}, {})
    if applied:
        digests = await providers.seed_digests(connection), await models.seed_digests(connection)
        written = Written(*digests, await models.seeded_prices(connection))
    changes = seed_changes(seed, written, now)
    for provider, row_digest in changes.providers:
        await providers.write(connection, provider, row_digest)
    losing = await model_writing.others_with(connection, [model for model, _ in changes.models])
    changes = replace(changes, changed_models=changes.changed_models.union(losing))
    await seed_store.remove_models(connection, changes.removed_models, now)
    await seed_store.write_models(connection, changes.models, now)
    await seed_store.append_prices(connection, changes.prices)
    await seed_store.remember(connection, digest, now)
    log.info(
        "catalog.seed_applied",
        providers=len(changes.providers),
        models=len(changes.models),
        removed_models=len(changes.removed_models),
        prices=len(changes.prices),
        seconds=round((times.now() - now).total_seconds(), 3),
    )
    return changes


async def _apply_environment(
    connection: WriteConnection, surroundings: Surroundings
) -> tuple[dict[str, Circumstances], _Differences]:
    """What the environment says of each provider, and what that changes."""
    found: dict[str, Circumstances] = {}
    differences = _Differences()
    locked, counts = await providers.lock_all(connection), await provider_keys.counts(connection)
    for provider in locked:
        said = found[provider.name] = circumstances(provider, surroundings.environment, surroundings.sandbox_url)
        set_keys = counts.get((provider.name, ""), 0)
        present = under(said, provider, surroundings.pepper, set_keys)
        if present == provider:
            continue
        await providers.write_circumstances(connection, present)
        if messages.provider_message(present) != messages.provider_message(provider):
            differences.providers.add(provider.name)
        if present.key_fingerprint != provider.key_fingerprint:
            differences.keys[provider.name] = present.environment_keys + set_keys
    configured = [name for name, said in found.items() if said.configured]
    get_logger().info("catalog.providers_configured", providers=configured, sandbox=bool(surroundings.sandbox_url))
    return found, differences


async def _apply_defaults(connection: WriteConnection) -> bool:
    """Notes what use cases stand for by default. Whether that is another than was announced last."""
    if await use_cases.get(connection, use_cases.PLATFORM) == DEFAULTS:
        return False
    await use_cases.write(connection, use_cases.PLATFORM, DEFAULTS)
    return True


async def _announce(
    outbox: Outbox, connection: WriteConnection, changes: SeedChanges, changed_providers: Collection[str]
) -> None:
    for provider in await providers.by_name(connection, changed_providers):
        await outbox.add(connection, messages.provider_changed(provider))
    for model_id in changes.removed_models:
        await outbox.add(connection, messages.model_removed(model_id))
    for model in await models.by_id(connection, changes.changed_models):
        await outbox.add(connection, messages.model_changed(model))
