"""All spools under one root: the router's own, and those that others left behind."""

import asyncio
from pathlib import Path
from typing import Self

from services.router.journal import (
    Journal,
    JournalLimits,
    Rate,
    Spool,
    adopt_unlocked,
    create_spool,
    finish_unfinished,
)
from services.router.relay import AskWatermark, Relay, RelaySettings
from services.router.relay.cancellation import stop_if_cancelled
from services.runtime.bus import Bus
from services.runtime.errors import JournalUnavailable
from services.runtime.logging import get_logger
from services.runtime.tasks import end

_DRAIN_REPORT_SECONDS = 60.0


class Spools:
    """What the router's `__main__` sees of journal and relay.

    Attributes:
        journal: the router's own.
    """

    def __init__(
        self,
        root: Path,
        journal: Journal,
        bus: Bus,
        ask: AskWatermark,
        rate: Rate | None,
        limits: JournalLimits,
        settings: RelaySettings,
    ) -> None:
        self.journal = journal
        self._root = root
        self._bus = bus
        self._ask = ask
        self._rate = rate
        self._limits = limits
        self._settings = settings
        self._relay = Relay(journal, bus, ask, settings)

    @classmethod
    async def open(
        cls,
        root: Path,
        bus: Bus,
        ask: AskWatermark,
        *,
        rate: Rate | None = None,
        limits: JournalLimits | None = None,
        settings: RelaySettings | None = None,
    ) -> Self:
        """Takes a spool nobody uses, or makes one; attempts it holds open are finished by estimates.

        Raises OSError or JournalUnavailable when the disk fails.
        """
        limits = limits or JournalLimits()
        journal = await _open_own(root, limits)
        try:
            await finish_unfinished(journal, rate)
        except BaseException:
            await journal.close()
            journal.spool.release()
            raise
        return cls(root, journal, bus, ask, rate, limits, settings or RelaySettings())

    def ready(self) -> bool:
        """Whether new work can be taken: there is room, and the disk does not fail."""
        return self.journal.refusal is None

    async def run(self) -> None:
        """Relays the own spool and adopts others, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._relay.run())
            while True:
                for spool in adopt_unlocked(self._root):
                    tasks.create_task(self._see_off(spool))
                await asyncio.sleep(self._settings.adopt_seconds)

    async def drain(self, timeout: float) -> bool:
        """Waits until the ledger has everything of the own spool; False when it takes too long."""
        return await self._relay.drained(timeout)

    async def close(self) -> None:
        """Closes the own spool, for another process to adopt; `run` has ended."""
        self._relay.close()
        await self.journal.close()
        self.journal.spool.release()

    async def _see_off(self, spool: Spool) -> None:
        """Brings what a gone process left behind to the ledger, then removes it. What fails is tried again later."""
        try:
            journal = await Journal.open(spool, self._limits)
            get_logger().info("spool.adopted", spool=str(spool.id), records=journal.last_number - journal.watermark)
            try:
                await finish_unfinished(journal, self._rate)
                await self._relay_to_the_end(journal)
            finally:
                await journal.close()
            spool.remove()
            get_logger().info("spool.removed", spool=str(spool.id))
        except (JournalUnavailable, OSError) as error:
            get_logger().error("spool.not_seen_off", spool=str(spool.id), error=str(error))
        finally:
            spool.release()

    async def _relay_to_the_end(self, journal: Journal) -> None:
        relay = Relay(journal, self._bus, self._ask, self._settings)
        running = asyncio.create_task(relay.run(), name=f"relay.{journal.spool.id}")
        try:
            while not await relay.drained(_DRAIN_REPORT_SECONDS):
                stop_if_cancelled()
                if running.done():
                    running.result()
                get_logger().warning("spool.unconfirmed", spool=str(journal.spool.id), records=relay.unconfirmed)
        finally:
            await end([running])
            relay.close()


async def _open_own(root: Path, limits: JournalLimits) -> Journal:
    """The journal of the oldest spool that nobody uses and that can be read; else of a new one."""
    own: Journal | None = None
    for spool in adopt_unlocked(root):
        if own is not None:
            spool.release()
            continue
        try:
            own = await Journal.open(spool, limits)
        except OSError as error:
            get_logger().error("spool.unreadable", spool=str(spool.id), error=str(error))
            spool.release()
    return own or await Journal.open(create_spool(root), limits)
