"""Recorded traffic of real clients and providers, as translations are compared with it."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from services.router.chat import Body
from services.router.sse import SseReader
from services.router.wire.base import StreamParser
from tests.fixtures.references import TRAFFIC
from tests.integration.router.recorded import Exchange, sample

Json = dict[str, Any]
PAIRS = TRAFFIC.with_name("translation_pairs.dev.jsonl.gz")


def lines(path: Path) -> Iterator[Json]:
    with gzip.open(path) as found:
        yield from map(json.loads, found)


def translated(request: Json, to_chat: Callable[[Body], Body]) -> Json:
    """A request in the common shape."""
    body = msgspec.json.decode(msgspec.json.encode({"model": "m", **request}), type=Body)
    return {name: json.loads(bytes(value)) for name, value in to_chat(body).items()}


def chunks_of(exchange: Exchange, parser: StreamParser) -> list[bytes]:
    """The chunks of a recorded stream."""
    reader = SseReader()
    frames = [parser.parse(event) for event in reader.feed(exchange.response["body"].encode()) + reader.finish()]
    return [frame.data for frame in frames if frame is not None and frame.data]


def check_answers(read: Callable[[Exchange], Json], recorded_in: Callable[[Json], Json], thinking: str) -> None:
    """Compares all recorded answers with what is read of them in translation, member `thinking` among it."""
    exchanges = [exchange for exchange in sample(9_999, seed=5) if exchange.expected["kind"] == "ok"]
    assert len(exchanges) > 1_900
    differences = {}
    for exchange in exchanges:
        found, recorded = read(exchange), recorded_in(exchange.expected)
        # The recordings' own reader takes no note of what was said aloud, nor of thinking that is told in details only.
        if "audio-transcript" in exchange.expected["flags"]:
            found["text"] = recorded["text"]
        if exchange.expected["reasoning"] is None:
            found[thinking] = ""
        if found != recorded:
            differences[exchange.id] = (found, recorded)
    assert differences == {}
