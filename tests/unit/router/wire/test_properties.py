"""What holds of every format: bytes mean the same however they are cut, and translations keep what was said and asked.

Requests and answers are written and read by the tests' own code; ours only translates.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rating import Tokens
from services.router.chat import Facts, Format
from services.router.sse import SseReader
from services.router.wire.base import Dialect
from tests.fixtures.format_answers import STREAMS as EXAMPLES
from tests.fixtures.format_answers import Events
from tests.fixtures.format_requests import REQUESTS as ASKED
from tests.fixtures.intent_readers import READ
from tests.fixtures.readings import Reading, events_of, read_stream
from tests.fixtures.translators import OWN_FORMATS, READERS, StreamWriter, call_of, wires
from tests.unit.router.wire.conversations import (
    ANSWERS,
    CONVERSATIONS,
    REQUESTS,
    STREAMS,
    Answered,
    Conversation,
)

WIRES = wires()
SURFACES = {Format.CHAT: "chat", Format.MESSAGES: "messages", Format.RESPONSES: "responses"}
CALLS = {asked: call_of(READERS[asked](json.dumps(body).encode())) for asked, body in ASKED.items()}
WAYS = [(name, asked) for name, by_format in WIRES.items() for asked in by_format if asked in SURFACES]
TRANSLATED = [(name, asked) for name, asked in WAYS if OWN_FORMATS[name] in STREAMS and OWN_FORMATS[name] is not asked]
LINE_ENDS = st.sampled_from((b"\n", b"\r\n", b"\r"))
TIMES = ("created", "created_at", "completed_at")
COMMENTS = st.sampled_from((b"", b":", b": keep-alive"))
MODELS = {"openai_chat": "gpt-4", "anthropic_messages": "claude-sonnet-4-20250514", "gemini": "gemini-2.5-flash"}
EXTENDED = Dialect(takes_extensions=True)


def framed(events: Events, end: bytes = b"\n", comment: bytes = b"") -> bytes:
    """A stream as bytes, with these line ends, and a comment after each event."""
    found = []
    for name, body in events:
        data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        lines = [b"event: " + name.encode()] if name else []
        lines += [b"data: " + data.encode(), b""]
        found += [line + end for line in [*lines, *([comment, b""] if comment else [])]]
    return b"".join(found)


def heard(name: str, asked: Format, pieces: Iterable[bytes]) -> tuple[list[object], Facts]:
    """What a client of the asked format gets of a provider's stream that comes in these pieces, but for the times."""
    parser, reader, writer = WIRES[name][asked].parse_stream(asked), SseReader(), StreamWriter(CALLS[asked])
    translates = OWN_FORMATS[name] is not asked
    found = [writer.begin()] if translates else []
    for event in [*(event for piece in pieces for event in reader.feed(piece)), *reader.finish()]:
        frame = parser.parse(event)
        if frame is not None and frame.comment is None:
            found.append(writer.add(frame.data) if translates else b"data: " + frame.data + b"\n\n")
    assert parser.done or parser.may_end
    if translates:
        found.append(writer.end(parser.facts))
    written = b"".join(found).decode()
    return [timeless(json.loads(event.data)) for event in events_of(written) if event.data != "[DONE]"], parser.facts


def timeless(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: timeless(member)
            for name, member in value.items()
            if name not in ("created", "created_at", "completed_at")
        }
    return [timeless(member) for member in value] if isinstance(value, list) else value


def cut(content: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = sorted({0, len(content), *(place % (len(content) + 1) for place in places)})
    return [content[start:stop] for start, stop in pairwise(bounds)]


@pytest.mark.parametrize(("name", "asked"), WAYS)
@given(
    LINE_ENDS,
    st.sampled_from((b"", b":", b": keep-alive")),
    st.booleans(),
    st.lists(st.integers(0, 10**6), max_size=40),
)
def test_a_stream_means_the_same_however_it_is_cut_and_written(
    name: str, asked: Format, end: bytes, comment: bytes, marked: bool, places: list[int]
) -> None:
    example = EXAMPLES[OWN_FORMATS[name]]
    content = (b"\xef\xbb\xbf" if marked else b"") + framed(example, end, comment)
    assert heard(name, asked, cut(content, places)) == heard(name, asked, [framed(example)])


@pytest.mark.parametrize(("name", "asked"), WAYS)
def test_a_stream_means_the_same_byte_by_byte(name: str, asked: Format) -> None:
    content = framed(EXAMPLES[OWN_FORMATS[name]])
    assert heard(name, asked, [content[at : at + 1] for at in range(len(content))]) == heard(name, asked, [content])


@pytest.mark.parametrize(("name", "asked"), TRANSLATED)
@given(ANSWERS)
def test_a_client_of_another_format_hears_what_was_said(name: str, asked: Format, said: Answered) -> None:
    stream = framed(STREAMS[OWN_FORMATS[name]](said))
    reading, facts = understood(name, asked, stream)
    assert reading.choices[0].text == "".join(said.text)
    assert reading.choices[0].tool_calls == said.calls
    assert facts.finish_reason == ("tool_calls" if said.calls else "stop")
    assert facts.tokens == Tokens(
        prompt_tokens=said.prompt,
        completion_tokens=said.completion,
        cached_tokens=said.cached,
        reasoning_tokens=said.thinking,
    )


def understood(name: str, asked: Format, stream: bytes) -> tuple[Reading, Facts]:
    parser, reader, writer = WIRES[name][asked].parse_stream(asked), SseReader(), StreamWriter(CALLS[asked])
    frames = [frame for event in reader.feed(stream) if (frame := parser.parse(event)) is not None]
    chunks = [writer.add(frame.data) for frame in frames if frame.comment is None]
    written = b"".join([writer.begin(), *chunks, writer.end(parser.facts)])
    return read_stream(SURFACES[asked], events_of(written.decode())), parser.facts


@pytest.mark.parametrize(
    ("name", "asked"), [(name, asked) for name, asked in WAYS if OWN_FORMATS[name] is not Format.RESPONSES]
)
@given(CONVERSATIONS)
def test_a_provider_of_another_format_is_asked_the_same(name: str, asked: Format, talk: Conversation) -> None:
    body = REQUESTS[asked](talk)
    rendered = render(name, asked, body)
    assert READ[OWN_FORMATS[name]](rendered).aspects() == READ[asked](body).aspects()


@pytest.mark.parametrize("asked", tuple(SURFACES))
@given(CONVERSATIONS)
def test_a_request_survives_the_way_through_two_gateways(asked: Format, talk: Conversation) -> None:
    body = REQUESTS[asked](talk)
    once = render("anthropic_messages", asked, body)
    twice = render("openai_chat", Format.MESSAGES, once)
    thrice = render("anthropic_messages", Format.CHAT, twice)
    assert READ[Format.CHAT](twice).aspects() == READ[asked](body).aspects()
    assert READ[Format.MESSAGES](thrice).aspects() == READ[asked](body).aspects()


def render(name: str, asked: Format, body: object) -> dict[str, object]:
    request = READERS[asked](json.dumps(body).encode())
    found: dict[str, object] = json.loads(WIRES[name][asked].render_request(request, MODELS[name], {}, EXTENDED))
    return found
