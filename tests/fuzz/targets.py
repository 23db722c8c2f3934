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
from tests.fixtures.translators import OWN_FORMATS, READERS, wires
from tests.fuzz.mutation import dumped, mutated_bytes, mutated_json, pieces, soup

Target = Callable[[Random], None]
"""Makes one input and feeds it. Raises AssertionError where the outcome is no good, lets stray errors through."""

_STATUSES = (100, 200, 301, 400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 499, 500, 502, 503, 504, 529, 599)
_RETRY_AFTER = ("", "1", "0.5", "-1", "nan", "inf", "1e400", "Wed, 21 Oct 2026 07:28:00 GMT", "x" * 100)
_LINE_ENDS = (b"\n", b"\r\n", b"\r")
_MOST_ERRORS = 8
_EMBEDDINGS: Json = {"model": "openai/embedding", "input": ["a", "b"], "dimensions": 8}
_VECTORS: Json = {"data": [{"index": 0, "embedding": [0.5, 1]}], "usage": {"prompt_tokens": 2}, "model": "e"}
_COUNT: Json = {"input_tokens": 20}
_REQUESTS: Mapping[Format, Json] = {
    **REQUESTS,
    Format.EMBEDDINGS: _EMBEDDINGS,
    Format.COUNT_TOKENS: REQUESTS[Format.MESSAGES],
}


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
            if asked in (own, Format.CHAT):
                found[f"stream {name} to {asked.value}"] = _stream(wire, asked, STREAMS[own])
                found[f"error {name} to {asked.value}"] = _error(wire, ERRORS[own])
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
    def feed(dice: Random) -> None:
        try:
            answer = wire.parse_response(_mutated(dice, example), asked)
        except ProviderError:
            return
        _check_facts(answer.facts)
        if answer.format is Format.CHAT and asked is Format.CHAT and example is not ANSWERS[Format.CHAT]:
            json.loads(answer.body)

    return feed


def _stream(wire: WireFormat, asked: Format, example: Events) -> Target:
    translates = example is not STREAMS[asked]

    def feed(dice: Random) -> None:
        parser, reader = wire.parse_stream(asked), SseReader()
        left = _MOST_ERRORS
        for piece in pieces(dice, _mutated_stream(dice, example)):
            try:
                events = reader.feed(piece)
            except ProviderError:
                return
            for event in events:
                if parser.done or not left:
                    return
                left -= _parse(parser, event, translates=translates)
        assert isinstance(parser.may_end, bool)

    return feed


def _parse(parser: StreamParser, event: Event, *, translates: bool) -> bool:
    """Whether the event was an error."""
    try:
        frame = parser.parse(event)
    except ProviderError:
        return True
    finally:
        _check_facts(parser.facts)
    if frame is not None and frame.comment is None and translates:
        json.loads(frame.data)
    return False


def _error(wire: WireFormat, example: Json) -> Target:
    def feed(dice: Random) -> None:
        headers = {"retry-after": dice.choice(_RETRY_AFTER), "retry-after-ms": dice.choice(_RETRY_AFTER)}
        error = wire.parse_error(dice.choice(_STATUSES), headers, _mutated(dice, example))
        assert isinstance(error, ProviderError)
        assert error.message

    return feed


def _request(wire: WireFormat, asked: Format) -> Target:
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
