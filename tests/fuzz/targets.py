"""What is fuzzed: everything that reads what providers and clients send."""

import json
from collections.abc import Callable, Mapping
from random import Random

from services.router.chat import Facts, Format
from services.router.sse import Event, SseReader
from services.router.wire.base import Dialect, StreamParser, WireFormat
from services.runtime.errors import PantheonError, ProviderError
from tests.fixtures.format_answers import ANSWERS, ERRORS, STREAMS, Events
from tests.fixtures.format_requests import REQUESTS, Json
from tests.fixtures.translators import ERROR_SHAPES, OWN_FORMATS, READERS, StreamWriter, call_of, wires, write_whole
from tests.fuzz.mutation import dumped, mutated_bytes, mutated_json, pieces, soup

Target = Callable[[Random], None]
"""Makes one input and feeds it. Raises AssertionError where the outcome is no good, lets stray errors through."""

_STATUSES = (100, 200, 301, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 499, 500, 502, 503, 504, 529, 599)
_RETRY_AFTER = ("", "1", "0.5", "-1", "nan", "inf", "1e400", "Wed, 21 Oct 2026 07:28:00 GMT", "x" * 100)
_LINE_ENDS = (b"\n", b"\r\n", b"\r")
_EMBEDDINGS: Json = {"model": "openai/embedding", "input": ["a", "b"], "dimensions": 8}
_VECTORS: Json = {"data": [{"index": 0, "embedding": [0.5, 1]}], "usage": {"prompt_tokens": 2}, "model": "e"}
_COUNT: Json = {"input_tokens": 20}
_REQUESTS: Mapping[Format, Json] = {
    **REQUESTS,
    Format.EMBEDDINGS: _EMBEDDINGS,
    Format.COUNT_TOKENS: REQUESTS[Format.MESSAGES],
}


_CALLS = {asked: call_of(READERS[asked](dumped(request))) for asked, request in REQUESTS.items()}


def all_targets() -> dict[str, Target]:
    """By name: `<what> <format>`."""
    found: dict[str, Target] = {"event stream": _read_events}
    for name, by_format in wires().items():
        own = OWN_FORMATS[name]
        for asked, wire in by_format.items():
            example = {Format.EMBEDDINGS: _VECTORS, Format.COUNT_TOKENS: _COUNT}.get(asked, ANSWERS[own])
            found[f"answer {name} to {asked.value}"] = _answer(wire, asked, example)
            if asked in READERS:
                found[f"request {asked.value} to {name}"] = _request(wire, asked)
            if asked in STREAMS:
                found[f"stream {name} to {asked.value}"] = _stream(wire, asked, STREAMS[own])
                found[f"error {name} to {asked.value}"] = _error(wire, asked, ERRORS[own])
    return found


def _read_events(dice: Random) -> None:
    """The reader of event streams, on bytes of every kind; cut or whole, it reads the same."""
    content = soup(dice) if dice.random() < 0.5 else mutated_bytes(dice, _stream_bytes(dice, STREAMS[Format.CHAT]), 3)
    whole = SseReader()
    expected = [*whole.feed(content), *whole.finish()]
    reader = SseReader()
    found = [event for piece in pieces(dice, content) for event in reader.feed(piece)]
    assert [*found, *reader.finish()] == expected, "cutting changed the events"


def _answer(wire: WireFormat, asked: Format, example: Json) -> Target:
    """A whole answer, as far as the client would get it."""

    def feed(dice: Random) -> None:
        content = _mutated(dice, example)
        try:
            answer = wire.parse_response(content, asked)
            _check_facts(answer.facts)
            if asked in STREAMS:
                written = write_whole(_CALLS[asked], answer)
                if answer.body is not content:
                    json.loads(written)
        except ProviderError:
            return

    return feed


def _stream(wire: WireFormat, asked: Format, example: Events) -> Target:
    """A streamed answer, as far as the client would get it."""

    def feed(dice: Random) -> None:
        parser, reader, writer = wire.parse_stream(asked), SseReader(), StreamWriter(_CALLS[asked])
        try:
            _check_written(writer.begin())
            for piece in pieces(dice, _mutated_stream(dice, example)):
                for event in reader.feed(piece):
                    _parse(parser, event, writer, translates=example is not STREAMS[asked])
                    if parser.done:
                        break
            if parser.done or parser.may_end:
                _check_written(writer.end(parser.facts))
        except ProviderError:
            return

    return feed


def _parse(parser: StreamParser, event: Event, writer: StreamWriter, *, translates: bool) -> None:
    try:
        frame = parser.parse(event)
    finally:
        _check_facts(parser.facts)
    if frame is None or frame.comment is not None or not translates:
        return
    if parser.format is Format.CHAT:
        _check_written(writer.add(frame.data))
    else:
        json.loads(frame.data)


def _check_written(events: bytes) -> None:
    """What goes out is an event stream of JSON."""
    for line in events.split(b"\n"):
        assert not line or line.startswith((b"data: ", b"event: ")), f"no line of a stream: {line[:40]!r}"
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            json.loads(line[6:].decode("utf-8", "replace"))


def _error(wire: WireFormat, asked: Format, example: Json) -> Target:
    """An error, as far as the client would get it."""
    shape = ERROR_SHAPES[asked]

    def feed(dice: Random) -> None:
        headers = {"retry-after": dice.choice(_RETRY_AFTER), "retry-after-ms": dice.choice(_RETRY_AFTER)}
        error = wire.parse_error(dice.choice(_STATUSES), headers, _mutated(dice, example))
        assert isinstance(error, ProviderError)
        assert error.message
        assert 400 <= shape.status(error) < 600
        json.loads(shape.body(error).decode("utf-8", "replace"))  # a provider's own words are passed on as they came
        assert all(b"\n" not in value for _, value in shape.headers(error))
        _check_written(shape.event(error))

    return feed


def _request(wire: WireFormat, asked: Format) -> Target:
    """A client's request, as far as the provider would get it."""

    def feed(dice: Random) -> None:
        try:
            request = READERS[asked](_mutated(dice, _REQUESTS[asked]))
            wire.request_url("https://example.org/v1", request.model, stream=request.stream)
            wire.request_headers(request)
            wire.render_request(request, "some-model", {}, Dialect())
        except PantheonError:
            return

    return feed


def _mutated(dice: Random, example: Json) -> bytes:
    """Three in four are still JSON."""
    content = dumped(mutated_json(dice, example, dice.randrange(1, 6)))
    return mutated_bytes(dice, content, dice.randrange(1, 4)) if dice.random() < 0.25 else content


def _mutated_stream(dice: Random, example: Events) -> bytes:
    events = list(example)
    for _ in range(dice.randrange(4)):
        place = dice.randrange(len(events))
        name, body = events[place]
        kind = dice.randrange(6)
        if kind == 0 and len(events) > 1:
            del events[place]
        elif kind == 1:
            events.insert(dice.randrange(len(events)), (name, body))
        elif kind == 2:
            events[place] = (dice.choice(("", "ping", "error", "message", "message_stop", "response.completed")), body)
        else:
            name, body = dice.choice(example)
            events[place] = (name, mutated_json(dice, body, dice.randrange(1, 4)))
    content = _stream_bytes(dice, events)
    return mutated_bytes(dice, content, dice.randrange(1, 4)) if dice.random() < 0.25 else content


def _stream_bytes(dice: Random, events: Events) -> bytes:
    end = dice.choice(_LINE_ENDS)
    found = []
    for name, body in events:
        if name:
            found.append(b"event: " + name.encode() + end)
        data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else dumped(body)
        found.append(b"data: " + data.replace(b"\n", b" ").replace(b"\r", b" ") + end + end)
    return b"".join(found)


def _check_facts(facts: Facts) -> None:
    """What goes into the ledger has to be fit for it."""
    assert facts.characters >= 0
    assert facts.finish_reason.isprintable()
    assert facts.response_id.isprintable()
    assert facts.served_model.isprintable()
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"):
        count = getattr(facts.tokens, name) if facts.tokens is not None else None
        assert count is None or 0 <= count < 2**63, f"{name}: {count}"
    assert facts.reported_cost is None or facts.reported_cost >= 0
