"""Followers of a source that changes, and what a test tells them in its place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pantheon.events.v1.change_pb2 import Change, RevisionBeat
from services.runtime.bus import Bus
from services.runtime.follower import Follower
from services.runtime.tasks import Tasks
from tests.fixtures.fault_proxy import FaultProxy
from tests.integration.runtime.changing_source import SOURCE, channel_of_a_follower, renamed


class Copy:
    """What a follower makes of the changes, and the follower."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.resets = 0
        self.tasks = Tasks()
        self.follower: Follower

    def reset(self) -> None:
        self.names.clear()
        self.resets += 1

    def apply(self, change: Change) -> None:
        organisation = change.organisation_changed.organisation
        self.names[organisation.id] = organisation.name


class Followers:
    """Makes followers of the source."""

    def __init__(self, bus: Bus, wire: FaultProxy, directory: Path) -> None:
        self._bus = bus
        self._wire = wire
        self._directory = directory

    @asynccontextmanager
    async def following(self, cache: Path | None = None, max_staleness: float = 300.0) -> AsyncIterator[Copy]:
        copy = Copy()
        async with channel_of_a_follower(self._wire.port, self._directory) as channel:
            copy.follower = Follower(
                *(SOURCE, self._bus, channel),
                reset=copy.reset,
                apply=copy.apply,
                cache=cache,
                max_staleness=max_staleness,
            )
            copy.tasks.start("follower", copy.follower.run())
            try:
                yield copy
            finally:
                await copy.tasks.close()
        assert not copy.tasks.failed.is_set()


async def loaded(copy: Copy) -> None:
    await asyncio.wait_for(copy.follower.loaded.wait(), 10)


async def publish(bus: Bus, revision: int, id_: str, name: str) -> None:
    change = renamed(id_, name)
    change.revision = revision
    await bus.nc.publish(f"pantheon.changes.v1.{SOURCE}.organisation_changed", change.SerializeToString())


async def beat(bus: Bus, revision: int) -> None:
    message = RevisionBeat(source=SOURCE, revision=revision).SerializeToString()
    await bus.nc.publish(f"pantheon.revisions.v1.{SOURCE}", message)
