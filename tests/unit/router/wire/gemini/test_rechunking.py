"""However a stream is cut, it says the same."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.router.chat import Format
from services.router.sse import SseReader
from tests.unit.router.wire.gemini.samples import WIRE, Json, response

PARTS = st.one_of(
    st.builds(lambda text: {"text": text}, st.text(max_size=6)),
    st.builds(lambda text: {"text": text, "thought": True}, st.text(max_size=6)),
    st.builds(lambda text: {"text": text, "thoughtSignature": "c2ln"}, st.text(max_size=3)),
    st.builds(lambda text: {"functionCall": {"name": "f", "args": {"a": text}}}, st.text(max_size=6)),
    st.builds(lambda code: {"executableCode": {"code": code}}, st.text(max_size=6)),
    st.just({"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
    st.just({"somethingNew": {}}),
)
USAGE = st.fixed_dictionaries(
    {},
    optional={name: st.integers(0, 99) for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")},
)
BODIES = st.builds(
    lambda parts, usage: response(*parts, finish=None, usageMetadata=usage), st.lists(PARTS, max_size=3), USAGE
)
STREAMS = st.lists(BODIES, max_size=4).map(lambda bodies: [*bodies, response({"text": "end"})])


def framed(bodies: Sequence[Json], end: bytes) -> bytes:
    return b"".join(b"data: " + json.dumps(body, ensure_ascii=False).encode() + end + end for body in bodies)


def listed(bodies: Sequence[Json], end: bytes) -> bytes:
    """As Google's servers answer without `alt=sse`."""
    return json.dumps(bodies, indent=2, ensure_ascii=False).replace("\n", end.decode()).encode()


def read(stream: bytes, cuts: Sequence[int]) -> tuple[list[Json], Json]:
    """The chunks, without the time of their making, and the facts."""
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    reader, parser = SseReader(), WIRE.parse_stream(Format.CHAT)
    events = [one for start, end in pairwise(places) for one in reader.feed(stream[start:end])] + reader.finish()
    frames = [frame for frame in map(parser.parse, events) if frame is not None]
    assert parser.may_end
    found: list[Json] = [msgspec.json.decode(frame.data) for frame in frames]
    for chunk in found:
        del chunk["created"]
    return found, asdict(parser.facts)


@given(STREAMS, st.sampled_from((b"\n", b"\r\n", b"\r")), st.lists(st.integers(min_value=0), max_size=30))
def test_a_stream_says_the_same_however_it_is_cut(bodies: list[Json], end: bytes, cuts: list[int]) -> None:
    assert read(framed(bodies, end), cuts) == read(framed(bodies, b"\n"), [])


@given(STREAMS, st.sampled_from((b"\n", b"\r\n", b"\r")), st.lists(st.integers(min_value=0), max_size=30))
def test_a_list_says_the_same_as_a_stream(bodies: list[Json], end: bytes, cuts: list[int]) -> None:
    assert read(listed(bodies, end), cuts) == read(framed(bodies, b"\n"), [])
