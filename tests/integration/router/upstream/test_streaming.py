"""Streams: read as they come, left and taken up again, and held back."""

import asyncio
import gzip
import zlib
from contextlib import aclosing

import pytest

from services.router.upstream import Response
from services.runtime.errors import ProviderBroken
from tests.fixtures.eventually import eventually
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    STREAM,
    Peer,
    answering,
    ask,
    chunk,
    event,
    open_upstream,
    scripted,
)


async def read(response: Response) -> list[str]:
    """The data of all events to come."""
    return [each.data.decode() async for batch in response.events() for each in batch]


async def read_some(response: Response, count: int) -> list[str]:
    """The data of the next events, at least so many; leaves the stream there."""
    found: list[str] = []
    async with aclosing(response.events()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            found += [each.data.decode() for each in batch]
            if len(found) >= count:
                break
    return found


async def has(found: list[str], count: int) -> None:
    """Waits until so many have been found."""
    await eventually(lambda: len(found) == count)


@on_both_loops
async def test_events_come_as_they_are_sent() -> None:
    read_one = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"))
        await read_one.wait()
        await peer.send(event("two") + event("three"), LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert await read_some(response, 1) == ["one"]
        read_one.set()
        assert await read(response) == ["two", "three"]
        assert await read(response) == []


@on_both_loops
async def test_an_event_may_come_byte_by_byte_and_end_with_the_connection() -> None:
    content = b": hello\r\n\r\ndata: one\r\n\r\ndata: two\r\n\r"
    answer = OK + b"connection: close\r\n\r\n" + content

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(*(answer[at : at + 1] for at in range(len(answer))))

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert await read(response) == ["", "one", "two"]


@pytest.mark.parametrize("encoding", ("gzip", "deflate"))
@on_both_loops
async def test_a_packed_stream_is_read_as_far_as_it_was_flushed(encoding: str) -> None:
    read_one = asyncio.Event()

    async def serve(peer: Peer) -> None:
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS + (16 if encoding == "gzip" else 0))

        def flushed(text: bytes) -> bytes:
            return packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)

        await peer.request()
        await peer.send(STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: %b\r\n\r\n" % encoding.encode()))
        await peer.send(chunk(flushed(b"data: one\n\n")))
        await read_one.wait()
        await peer.send(chunk(flushed(b"data: two\n\n")), chunk(packer.flush()), LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert await read_some(response, 1) == ["one"]
        read_one.set()
        assert await read(response) == ["two"]


@on_both_loops
async def test_a_packed_stream_that_is_damaged_is_broken() -> None:
    packed = gzip.compress(b"data: one\n\n")
    answer = STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunk(packed[:12] + b"\xff" * 50)
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        with pytest.raises(ProviderBroken) as broken:
            await read(response)
        response.close()
    assert broken.value.metadata["phase"] == "stream"


@on_both_loops
async def test_a_stream_left_and_taken_up_again_loses_nothing() -> None:
    count = 200

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, *(event(str(number)) for number in range(count)), LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        found: list[str] = []
        while some := await read_some(response, 1):
            found += some
    assert found == [str(number) for number in range(count)]


@on_both_loops
async def test_a_stream_may_be_taken_up_again_after_a_cancellation() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("0"))
        for number in range(1, 5):
            await cancelled[number - 1].wait()
            # The first half of an event, then its end: what was read of it before a cancellation is kept.
            await peer.send(chunk(b"data: "))
            await peer.send(chunk(b"%d\n\n" % number))
        await peer.send(LAST_CHUNK)

    cancelled = [asyncio.Event() for _ in range(4)]
    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        found: list[str] = []

        async def collect() -> None:
            async for batch in response.events():
                found.extend(each.data.decode() for each in batch)

        for number, left in enumerate(cancelled, 1):
            reading = asyncio.create_task(collect())
            await has(found, number)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            left.set()
        await collect()
    assert found == ["0", "1", "2", "3", "4"]


@on_both_loops
async def test_a_stream_read_to_its_end_gives_its_connection_back() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"), LAST_CHUNK)
        await peer.request()
        await peer.send(HELLO)

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert await read(response) == ["one"]
        response.close()
        assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 1


@on_both_loops
async def test_a_slow_reader_holds_the_provider_back() -> None:
    piece = event("x" * 16_000)
    whole = 64 * 1024 * 1024 // len(piece)
    stuck = asyncio.Event()
    written = 0

    async def serve(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        await peer.send(STREAM)
        while written < whole:
            peer.writer.write(piece)
            written += 1
            try:
                async with asyncio.timeout(0.3):
                    await peer.writer.drain()
            except TimeoutError:
                stuck.set()
                await peer.writer.drain()
        await peer.send(LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream(read=0.6) as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        found = len(await read_some(response, 1))
        await stuck.wait()
        # What has left by now lies in the kernel's buffers but for a little.
        assert written * len(piece) < 16 * 1024 * 1024
        # That nothing came meanwhile was our own doing, and no silence of the provider's.
        await provider.peers[0].hesitate(0.9)
        found += len(await read(response))
    assert found == whole


@on_both_loops
async def test_streams_side_by_side_do_not_meet() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            name = (await peer.request()).body.decode()
            await peer.send(STREAM, *(event(f"{name}-{number}") for number in range(20)), LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream() as upstream:

        async def stream(name: str) -> None:
            for _ in range(3):
                response = await upstream.send(provider.url, {}, name.encode())
                assert await read(response) == [f"{name}-{number}" for number in range(20)]
                response.close()

        async with asyncio.TaskGroup() as streams:
            for name in range(50):
                streams.create_task(stream(str(name)))
    assert len(provider.peers) <= 50
