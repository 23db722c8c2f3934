"""However a stream is cut, it says the same."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.router.chat import Format
from services.router.sse import Event, SseReader
from tests.unit.router.wire.anthropic_messages.samples import START, STOP, WIRE, begun, ended, event, grown, last

TEXTS = st.text(max_size=6)


@st.composite
def blocks(draw: st.DrawFn) -> list[Event]:
    kind = draw(st.sampled_from(("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "new")))
    pieces = draw(st.lists(TEXTS, max_size=4))
    inside = {
        "text": [grown(0, "text", text=piece) for piece in pieces],
        "thinking": [grown(0, "thinking", thinking=piece) for piece in pieces] + [grown(0, "signature", signature="s")],
        "tool_use": [grown(0, "input_json", partial_json=piece) for piece in pieces],
        "server_tool_use": [grown(0, "input_json", partial_json=piece) for piece in pieces],
    }.get(kind, [])
    return [begun(0, type=kind, id="i", name="n", input={}, data="d", text=""), *inside, ended(0)]


STREAMS = st.lists(blocks() | st.just([event(type="ping")]), max_size=5).map(
    lambda found: [START, *(one for each in found for one in each), last("tool_use"), STOP]
)


def written(events: Sequence[Event], line_end: bytes) -> bytes:
    return b"".join(b"event: " + one.name + line_end + b"data: " + one.data + line_end + line_end for one in events)


def read(parts: Sequence[bytes], target: Format) -> tuple[list[object], object]:
    """The frames, without the time of their making, and the facts."""
    reader, parser = SseReader(), WIRE.parse_stream(target)
    events = [one for part in parts for one in reader.feed(part)] + reader.finish()
    frames = [frame for frame in map(parser.parse, events) if frame is not None]
    assert parser.done
    found: list[object] = []
    for frame in frames:
        chunk = msgspec.json.decode(frame.data) if frame.data else {}
        chunk.pop("created", None)
        found.append((frame.name, frame.comment, frame.usage, chunk))
    return found, asdict(parser.facts)


@given(
    STREAMS,
    st.sampled_from((b"\n", b"\r\n", b"\r")),
    st.lists(st.integers(min_value=0), max_size=30),
    st.sampled_from((Format.CHAT, Format.MESSAGES)),
)
def test_a_stream_says_the_same_however_it_is_cut(
    events: list[Event], line_end: bytes, cuts: list[int], target: Format
) -> None:
    stream = written(events, line_end)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    parts = [stream[start:end] for start, end in pairwise(places)]
    assert read(parts, target) == read([written(events, b"\n")], target)
