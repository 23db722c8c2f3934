"""CPU time of translation: each client format to each provider format and back, beside plain JSON of the same bodies.

Per request: the client's body read and rendered for the provider, the provider's answer parsed and written for the
client. Per stream event: bytes to event, event to chunk, chunk to the client's events. Where both speak the same
format, that is what passing through costs. Beside it the standard library's `json` reads and writes the same bodies, in
turns, so that a busy machine disturbs both alike; the best of several rounds counts.
`python -m benchmarks.translation [--json]`
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figures import Figure, show
from services.router.attempts import Call
from services.router.chat import Format
from services.router.sse import SseReader
from services.router.wire.base import Dialect, WireFormat
from tests.fixtures.format_answers import ANSWERS, STREAMS, Events
from tests.fixtures.format_requests import REQUESTS
from tests.fixtures.translators import OWN_FORMATS, READERS, StreamWriter, call_of, wires, write_whole

_ROUNDS = 9
_TIMES = 150
_CLIENTS = {Format.CHAT: "chat", Format.MESSAGES: "messages", Format.RESPONSES: "responses"}
_MODELS = {"anthropic_messages": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
_DIALECT = Dialect()


@dataclass(frozen=True, slots=True)
class _Way:
    """A client's format and a provider's, with what is sent between them."""

    client: Format
    provider: str
    wire: WireFormat
    request: bytes
    answer: bytes
    stream: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """As the table shows it."""
        return f"{_CLIENTS[self.client]} to {self.provider}"

    def ask(self) -> None:
        """The client's request, as the provider gets it."""
        request = READERS[self.client](self.request)
        self.wire.render_request(request, _MODELS.get(self.provider, "gpt-4"), {}, _DIALECT)

    def whole(self, call: Call) -> None:
        """The provider's answer, as the client gets it."""
        write_whole(call, self.wire.parse_response(self.answer, self.client))

    def streamed(self, call: Call) -> None:
        """The provider's stream, as the client gets it."""
        parser, reader, writer = self.wire.parse_stream(self.client), SseReader(), StreamWriter(call)
        passes = OWN_FORMATS[self.provider] is self.client
        for piece in self.stream:
            for event in reader.feed(piece):
                frame = parser.parse(event)
                if not passes and frame is not None and frame.comment is None:
                    writer.add(frame.data)
        if not passes:
            writer.end(parser.facts)


def measure() -> list[Figure]:
    """Microseconds of CPU per request and per stream event, and how many times plain JSON that is."""
    return [figure for way in _ways() for figure in _figures(way)]


def _ways() -> Iterator[_Way]:
    for provider, by_format in wires().items():
        own = OWN_FORMATS[provider]
        for client in _CLIENTS:
            if client in by_format:
                request, answer = (json.dumps(body).encode() for body in (REQUESTS[client], ANSWERS[own]))
                yield _Way(client, provider, by_format[client], request, answer, tuple(_framed(STREAMS[own])))


def _framed(events: Events) -> Iterator[bytes]:
    for name, body in events:
        head = f"event: {name}\n" if name else ""
        yield f"{head}data: {body if isinstance(body, str) else json.dumps(body)}\n\n".encode()


def _figures(way: _Way) -> Iterator[Figure]:
    call = call_of(READERS[way.client](way.request))
    data = [piece.partition(b"data: ")[2] for piece in way.stream if b"[DONE]" not in piece]
    ask, whole, streamed, plain_whole, plain_streamed = _best(
        way.ask,
        lambda: way.whole(call),
        lambda: way.streamed(call),
        lambda: _plain([way.request, way.answer]),
        lambda: _plain(data),
    )
    parts = f"request {ask:.0f}, answer {whole:.0f}; {(ask + whole) / plain_whole:.1f} x plain json"
    yield Figure(f"translation per request, {way.name}", ask + whole, "µs", "", parts)
    events = len(way.stream)
    note = f"{streamed / plain_streamed:.1f} x plain json, {events} events"
    yield Figure(f"translation per stream event, {way.name}", streamed / events, "µs", "", note)


def _plain(bodies: list[bytes]) -> None:
    for body in bodies:
        json.dumps(json.loads(body)).encode()


def _best(*doing: Callable[[], None]) -> list[float]:
    """Microseconds of CPU that each takes: the best of several rounds that take turns."""
    found = [float("inf")] * len(doing)
    for _ in range(_ROUNDS):
        for place, do in enumerate(doing):
            began = time.process_time_ns()
            for _ in range(_TIMES):
                do()
            found[place] = min(found[place], (time.process_time_ns() - began) / _TIMES / 1e3)
    return found


if __name__ == "__main__":
    show(measure())
