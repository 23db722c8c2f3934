import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.local.nats import MAX_PAYLOAD_BYTES, LocalNats
from services.router.journal import Journal, JournalLimits, create_spool
from services.router.relay import Relay, RelaySettings
from services.runtime.bus import COMPLETIONS, Bus
from tests.fixtures.eventually import eventually
from tests.fixtures.fault_proxy import FaultProxy
from tests.integration.router.ledgers import HASTY, Ledger, consuming
from tests.unit.router.journals import start_payload

LIMITS = JournalLimits(segment_bytes=64 * 1024, tail_bytes=16 * 1024)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(create_spool(tmp_path), LIMITS)
    yield journal
    await journal.close()
    journal.spool.release()


@asynccontextmanager
async def relaying(journal: Journal, bus: Bus, ledger: Ledger, settings: RelaySettings = HASTY) -> AsyncIterator[Relay]:
    relay = Relay(journal, bus, ledger.watermark, settings)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
        assert not running.done()
    finally:
        running.cancel()
        _, lasting = await asyncio.wait([running], timeout=10)
        assert not lasting
        relay.close()


async def write(journal: Journal, attempts: int) -> None:
    """Twice as many records."""
    await asyncio.gather(*(journal.finish(journal.start(b"", 100), b"") for _ in range(attempts)))


async def write_slowly(journal: Journal, attempts: int) -> None:
    for _ in range(attempts):
        await journal.finish(journal.start(b"", 100), b"")
        await asyncio.sleep(0)


async def write_until(journal: Journal, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await write_slowly(journal, 10)


def is_confirmed_beyond(journal: Journal, watermark: int) -> bool:
    return journal.watermark > watermark


def has_grown(journal: Journal, since: int) -> bool:
    return journal.last_number > since + 100


def is_all_acknowledged(relay: Relay) -> bool:
    newest = max((delivery.last for delivery in relay._deliveries.acknowledged), default=relay._deliveries.watermark)
    return relay._deliveries.in_flight == 0 and newest == relay._journal.last_number


def resent(reason: str) -> float:
    return REGISTRY.get_sample_value("pantheon_relay_resent_records_total", {"reason": reason}) or 0


def repeated(ledger: Ledger) -> list[str]:
    """The ids of messages that were published although JetStream had acknowledged their records."""
    return [message_id for message_id in ledger.message_ids if message_id.count(":") == 2]


async def messages_stored(bus: Bus) -> int:
    return (await bus.jetstream.stream_info(COMPLETIONS.name)).state.messages


async def test_every_record_reaches_the_ledger_once(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 1000)
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 2001))
    assert set(ledger.received.values()) == {1}
    assert len(ledger.message_ids) < 100
    assert relay.unconfirmed == 0
    assert journal.watermark == 2000


async def test_a_quiet_router_publishes_at_once_and_a_busy_one_in_batches(
    journal: Journal, bus: Bus, ledger: Ledger
) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await journal.finish(journal.start(b"", 100), b"")
        assert await relay.drained(30)
        assert ledger.message_ids == [f"{journal.spool.id}:1-2"]
        await write(journal, 2000)
        assert await relay.drained(30)
    most = max(int(last) - int(first) for first, last in (name.split(":")[1].split("-") for name in ledger.message_ids))
    assert 200 < most < HASTY.batch_records


async def test_a_backlog_that_left_memory_is_published(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    for _ in range(60):
        await write(journal, 50)
    assert journal.bytes_used > 2 * LIMITS.segment_bytes
    async with relaying(journal, bus, ledger) as relay:
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 6001))
    await eventually(lambda: journal.bytes_used <= 2 * LIMITS.segment_bytes)


async def test_nothing_is_lost_when_nats_is_killed_again_and_again(
    journal: Journal, bus: Bus, ledger: Ledger, own_nats: LocalNats
) -> None:
    enough = asyncio.Event()
    async with relaying(journal, bus, ledger) as relay:
        writing = asyncio.create_task(write_until(journal, enough))
        for _ in range(3):
            await eventually(partial(has_grown, journal, journal.watermark))
            await own_nats.kill()
            before = journal.last_number
            await eventually(partial(has_grown, journal, before))
            await own_nats.start()
            await eventually(partial(is_confirmed_beyond, journal, journal.watermark))
        enough.set()
        await writing
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, journal.last_number + 1))


async def test_a_router_starts_and_works_while_the_ledger_is_unreachable(
    journal: Journal, bus: Bus, ledger: Ledger
) -> None:
    ledger.answering = ledger.publishing = False
    await write(journal, 10)
    async with relaying(journal, bus, ledger) as relay:
        await eventually(lambda: len(ledger.numbers(journal.spool.id)) == 20)
        assert not await relay.drained(0.3)
        ledger.answering = True
        assert await relay.drained(30)


async def test_the_watermark_is_asked_for_when_no_progress_is_heard(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    ledger.publishing = False
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        await eventually(lambda: relay.unconfirmed == 0)


async def test_a_restarted_relay_goes_on_at_the_watermark(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    ledger.publishing = ledger.answering = False
    async with relaying(journal, bus, ledger):
        await write(journal, 10)
        await eventually(lambda: len(ledger.numbers(journal.spool.id)) == 20)
    ledger.answering = True
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        assert await relay.drained(30)
    assert set(ledger.received.values()) == {1}


async def test_a_consumer_that_lags_is_sent_nothing_twice(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        assert await relay.drained(30)
        ledger.consuming.clear()
        await write_slowly(journal, 200)
        asked = 0

        async def ask(spool: str) -> int:
            nonlocal asked
            asked += 1
            return await Ledger.watermark(ledger, spool)

        relay._confirmation._ask = ask
        await eventually(partial(is_all_acknowledged, relay))
        stored = await messages_stored(bus)
        await eventually(lambda: asked > 5)
        assert await messages_stored(bus) == stored
        ledger.consuming.set()
        assert await relay.drained(30)
        assert await messages_stored(bus) == stored


async def test_what_the_consumer_acknowledged_without_committing_is_published_again(
    journal: Journal, bus: Bus, ledger: Ledger
) -> None:
    async with relaying(journal, bus, ledger) as relay:
        ledger.forgetting = 1
        await write_slowly(journal, 300)
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 601))
    # Within JetStream's window for duplicates, hence under another id.
    assert len(repeated(ledger)) >= 1
    assert repeated(ledger)[0].startswith(f"{journal.spool.id}:1-")


async def test_a_recreated_stream_gets_what_the_ledger_lacks(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        assert await relay.drained(30)
        ledger.consuming.clear()
        await write_slowly(journal, 50)
        await eventually(partial(is_all_acknowledged, relay))
        before = resent("stream_recreated")
        await bus.jetstream.delete_stream(COMPLETIONS.name)
        await bus.ensure_stream(COMPLETIONS)
        ledger.consuming.set()
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 121))
    assert resent("stream_recreated") > before + 90
    assert not [message_id for message_id in repeated(ledger) if message_id.startswith(f"{journal.spool.id}:1-")]


async def test_a_stream_that_is_gone_is_made_again(journal: Journal, bus: Bus, ledger: Ledger) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        assert await relay.drained(30)
        await bus.jetstream.delete_stream(COMPLETIONS.name)
        await write(journal, 10)
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 41))


async def test_what_a_failing_machine_took_from_the_stream_is_published_again(
    journal: Journal, bus: Bus, ledger: Ledger, own_nats: LocalNats, tmp_path: Path
) -> None:
    async with relaying(journal, bus, ledger) as relay:
        await write(journal, 10)
        assert await relay.drained(30)
        await own_nats.stop()
        storage = own_nats._data_dir / "jetstream"
        shutil.copytree(storage, tmp_path / "earlier")
        await own_nats.start()
        await eventually(lambda: bus.connected)
        ledger.consuming.clear()
        await write_slowly(journal, 50)
        await eventually(partial(is_all_acknowledged, relay))
        await own_nats.kill()
        shutil.rmtree(storage)
        shutil.copytree(tmp_path / "earlier", storage)
        await own_nats.start()
        ledger.consuming.set()
        assert await relay.drained(30)
    assert ledger.numbers(journal.spool.id) == list(range(1, 121))
    assert repeated(ledger)


async def test_a_lost_acknowledgement_stores_nothing_twice(
    journal: Journal, bus: Bus, ledger: Ledger, own_nats: LocalNats
) -> None:
    async with FaultProxy(own_nats.port) as proxy:
        far = await Bus.connect(own_nats.url.replace(str(own_nats.port), str(proxy.port)), name="far")
        async with relaying(journal, far, ledger, replace(HASTY, check_seconds=60, drain_ask_seconds=60)) as relay:
            await write(journal, 10)
            assert await relay.drained(30)
            stored = await messages_stored(bus)
            proxy.pause()
            for _ in range(10):
                journal.finish_nowait(journal.start(b"", 100), b"")
            await journal.sync()
            # The same message again and again: all of them arrive when the network lets them through.
            await eventually(lambda: relay._failures >= 2)
            await proxy.resume()
            await eventually(partial(is_all_acknowledged, relay))
            assert await messages_stored(bus) == stored + 1
        await far.close()


class NarrowNats(LocalNats):
    """A server that takes small messages only."""

    def _render_config(self, port: int) -> str:
        return super()._render_config(port).replace(f"max_payload: {MAX_PAYLOAD_BYTES}", "max_payload: 16384")


async def test_messages_are_as_small_as_the_server_wants_them(journal: Journal, server_directory: Path) -> None:
    async with NarrowNats(server_directory / "narrow") as server:
        bus = await Bus.connect(server.url, name="test")
        async with consuming(bus) as ledger, relaying(journal, bus, ledger) as relay:
            for _ in range(100):
                journal.finish_nowait(journal.start(start_payload(), 100), b"")
            assert await relay.drained(30)
        assert ledger.numbers(journal.spool.id) == list(range(1, 201))
        await bus.close()


class GuardedNats(LocalNats):
    """A server that lets nobody publish completions until it is told to."""

    allowing = False

    def _render_clients(self) -> str:
        denied = "" if self.allowing else 'permissions: {publish: {deny: "pantheon.completions.>"}}'
        return f"users: [{{user: router, password: unused, {denied}}}]"


async def test_a_denied_publish_is_tried_until_it_is_allowed(journal: Journal, server_directory: Path) -> None:
    async with GuardedNats(server_directory / "guarded") as server:
        bus = await Bus.connect(f"nats://router:unused@127.0.0.1:{server.port}", name="test")
        async with consuming(bus) as ledger, relaying(journal, bus, ledger) as relay:
            await write(journal, 10)
            await eventually(lambda: relay._failures >= 2)
            server.allowing = True
            await server.restart()
            assert await relay.drained(30)
        await bus.close()
