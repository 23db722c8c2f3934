"""`pantheon router replay`: brings into the ledger what a router left on a disk that no router starts on again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import grpc

from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest
from pantheon.events.v1.change_feed_service_pb2_grpc import ChangeFeedServiceStub
from services.cli.output import console, count, without_credentials
from services.cli.running import CommandFailed
from services.router.journal import Journal, JournalLimits, Rate, Spool, finish_unfinished, lock_spool
from services.router.ledger import watermarks_from
from services.router.lost import rate_lost
from services.router.relay import AskWatermark, Relay
from services.router.snapshot import Snapshot
from services.runtime.bus import Bus
from services.runtime.client import connect
from services.runtime.errors import JournalUnavailable
from services.runtime.identity import ServiceIdentity
from services.runtime.status import error_from_rpc

_CONNECT_SECONDS = 10.0
_SNAPSHOT_SECONDS = 30.0
_SPOOL = "lock"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the services are, and the keys to prove that this is one of them."""

    nats_url: str = field(repr=False)
    usage_address: str
    catalog_address: str
    service_keys: Path


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a spool: records sent, attempts closed by an estimate, records not confirmed."""

    records: int
    estimated: int
    left: int

    def told(self, timeout: float) -> str:
        """In words."""
        fate = f"{count(self.left)} not confirmed within {timeout:g} s" if self.left else "all in the ledger"
        return f"{count(self.records)} records, {count(self.estimated)} attempts closed by an estimate, {fate}"


async def replay_spools(directory: Path, places: Places, timeout: float) -> int:
    """Replays every spool in or below `directory`; the exit code is 1 when the ledger did not confirm all of them.

    A spool stays where it is; its watermark says that it is in the ledger. Raises CommandFailed.
    """
    spools = _spools(directory)
    if not spools:
        raise CommandFailed(f"{directory} is no spool and holds none")
    screen = console()
    confirmed = True
    try:
        async with _services(places) as (bus, ask, rate):
            for spool in spools:
                replayed = await _replay(spool, bus, ask, rate, timeout)
                confirmed &= not replayed.left
                screen.print(f"{spool.id}: {replayed.told(timeout)}")
    finally:
        for spool in spools:
            spool.release()
    return 0 if confirmed else 1


async def _replay(spool: Spool, bus: Bus, ask: AskWatermark, rate: Rate, timeout: float) -> Replayed:
    """Closes what is open and sends what is not known to be in the ledger. Raises CommandFailed."""
    try:
        journal = await Journal.open(spool, JournalLimits())
    except OSError as error:
        raise CommandFailed(f"{spool.directory} cannot be read: {error}") from None
    try:
        estimated = await finish_unfinished(journal, rate)
        relay = Relay(journal, bus, ask)
        records = relay.unconfirmed
        running = asyncio.create_task(relay.run())
        try:
            await relay.drained(timeout)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            relay.close()
        return Replayed(records, estimated, relay.unconfirmed)
    except JournalUnavailable as error:
        raise CommandFailed(f"{spool.directory}: {error.message}") from None
    finally:
        await journal.close()


@asynccontextmanager
async def _services(places: Places) -> AsyncIterator[tuple[Bus, AskWatermark, Rate]]:
    """NATS, the ledger's watermarks, and prices for what has to be estimated. Raises CommandFailed."""
    try:
        identity = ServiceIdentity.load(places.service_keys, "router")
    except SystemExit as error:
        raise CommandFailed(str(error)) from None
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            bus = await Bus.connect(places.nats_url, name="replay")
    except (TimeoutError, ValueError) as error:
        raise CommandFailed(f"NATS at {without_credentials(places.nats_url)} can't be reached: {error}") from None
    usage = connect(places.usage_address, identity, "usage")
    catalog = connect(places.catalog_address, identity, "catalog")
    try:
        snapshot = await _snapshot(ChangeFeedServiceStub(catalog), places.catalog_address)
        yield bus, watermarks_from(usage), rate_lost(snapshot)
    finally:
        await bus.close()
        await asyncio.gather(usage.close(), catalog.close())


async def _snapshot(feed: ChangeFeedServiceStub, address: str) -> Snapshot:
    """What the catalog holds now. Raises CommandFailed."""
    snapshot = Snapshot()
    try:
        async for part in feed.GetSnapshot(GetSnapshotRequest(), timeout=_SNAPSHOT_SECONDS):
            for change in part.changes:
                snapshot.apply(change)
    except grpc.aio.AioRpcError as failure:
        raise CommandFailed(error_from_rpc(failure, f"catalog service at {address}").message) from None
    return snapshot


def _spools(directory: Path) -> list[Spool]:
    """The spools in a directory, locked. Raises CommandFailed when a router uses one of them."""
    found: list[Spool] = []
    for candidate in [directory, *sorted(directory.iterdir())]:
        if not _is_spool(candidate):
            continue
        spool = lock_spool(candidate.absolute())
        if spool is None:
            for held in found:
                held.release()
            raise CommandFailed(f"{candidate} is in use by a running router, which will see to it itself")
        found.append(spool)
    return found


def _is_spool(path: Path) -> bool:
    try:
        return str(UUID(path.name)) == path.name and (path / _SPOOL).exists()
    except ValueError:
        return False
