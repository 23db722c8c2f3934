"""The recorded exchanges, and the trips they make: which surface each is asked for at, with which request."""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pantheon.catalog.v1.provider_pb2 import AuthStyle, Provider, ProviderFlags, WireFormat
from tests.fixtures.references import TRAFFIC

Json = dict[str, Any]

EXPECTED = TRAFFIC.with_name("expected.dev.jsonl.gz")
REQUESTS = TRAFFIC.with_name("client_requests.dev.jsonl.gz")
PAIRS = TRAFFIC.with_name("translation_pairs.dev.jsonl.gz")
REPLAY = TRAFFIC.with_name("replay.py")
FILES = (TRAFFIC, EXPECTED, REQUESTS, PAIRS, REPLAY)

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
"""The surfaces, by the format that recordings and clients are of."""

ENDPOINTS = {"chat.completions", "messages", "responses", "generateContent", "streamGenerateContent"}
"""Those that complete something; lists of models and counts of tokens are no completions."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the catalog: a provider at the replaying upstream."""

    name: str
    path: str
    wire_format: "WireFormat.ValueType"
    auth_style: "AuthStyle.ValueType" = AuthStyle.AUTH_STYLE_BEARER
    serves_responses: bool = False

    def provider(self, url: str) -> Provider:
        """The row, for an upstream at this URL."""
        return Provider(
            name=self.name,
            base_url=url + self.path,
            wire_format=self.wire_format,
            auth_style=self.auth_style,
            configured=True,
            flags=ProviderFlags(serves_responses=self.serves_responses),
        )


ROWS = (
    Row("openai", "/openai/v1", WireFormat.WIRE_FORMAT_OPENAI_CHAT, serves_responses=True),
    Row("openrouter", "/openrouter/api/v1", WireFormat.WIRE_FORMAT_OPENAI_CHAT),
    Row("other", "/custom/v1", WireFormat.WIRE_FORMAT_OPENAI_CHAT, serves_responses=True),
    Row("anthropic", "/anthropic", WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES, AuthStyle.AUTH_STYLE_X_API_KEY),
    Row("other-messages", "/custom", WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES, AuthStyle.AUTH_STYLE_X_API_KEY),
    Row("gemini", "/gemini", WireFormat.WIRE_FORMAT_GEMINI, AuthStyle.AUTH_STYLE_X_GOOG_API_KEY),
    Row("other-gemini", "/custom", WireFormat.WIRE_FORMAT_GEMINI, AuthStyle.AUTH_STYLE_X_GOOG_API_KEY),
)

_VENDORS = {"messages": "anthropic", "gemini": "gemini"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange: what was sent, what the provider answered, what a client ends with."""

    id: str
    provider: str
    wire: str
    stream: bool
    request: Json | None
    """The JSON that was sent; None where only the answer is known."""
    request_headers: Json
    response: Json
    expected: Json
    raw: bool
    """The answer was recorded byte for byte."""
    asked: Json | None
    """The same request as an OpenAI chat client would send it."""
    identity: bool
    """`asked` is what was sent."""
    replayed: Json
    """All of it, as the replaying upstream wants it."""

    @property
    def row(self) -> str:
        """Which row of the catalog it is sent to."""
        if self.wire in ("messages", "gemini"):
            vendor = _VENDORS[self.wire]
            return f"other-{self.wire}" if self.provider.startswith("custom:") else vendor
        if self.wire == "responses":
            return "openai" if self.provider == "openai" else "other"
        return self.provider if self.provider in ("openai", "openrouter") else "other"

    @property
    def label(self) -> str:
        """Whom the tables count it for: the vendor of the format, or the provider of a compatible one."""
        return _VENDORS.get(self.wire) or self.row


@dataclass(frozen=True, slots=True)
class Trip:
    """One recording, asked for at one surface."""

    recording: Recording
    surface: str
    body: Json
    headers: dict[str, str]
    as_recorded: bool
    """The body is what was sent to the provider, in the same format."""

    @property
    def same_format(self) -> bool:
        """Client and provider speak the same format: nothing is to be translated."""
        return self.recording.wire == self.surface


def load() -> list[Recording]:
    """All exchanges that complete something."""
    asked = {one["id"]: one for one in lines(REQUESTS)}
    expected = {one["id"]: one for one in lines(EXPECTED)}
    return [
        _recording(one, expected[one["id"]], asked.get(one["id"], {}))
        for one in lines(TRAFFIC)
        if one["endpoint"] in ENDPOINTS
    ]


def lines(path: Path) -> Iterator[Json]:
    """The objects of a file of the corpus."""
    with gzip.open(path) as opened:
        yield from map(json.loads, opened)


def _recording(one: Json, expected: Json, asked: Json) -> Recording:
    request = one["request"] or {}
    return Recording(
        id=one["id"],
        provider=one["provider"],
        wire=one["wire"],
        stream=one["stream"],
        request=request.get("json"),
        request_headers=request.get("headers") or {},
        response=one["response"],
        expected=expected,
        raw=one["fidelity"] == "raw",
        asked=asked.get("body"),
        identity=bool(asked.get("identity")),
        replayed=one,
    )


def trips(recordings: Sequence[Recording]) -> list[Trip]:
    """Everything to send: chat clients ask for all but OpenAI's responses, and each surface for its own format."""
    return [trip for recording in recordings for trip in _trips_of(recording)]


def _trips_of(recording: Recording) -> Iterator[Trip]:
    if recording.wire != "responses":
        body = recording.asked or _plain_request("chat")
        as_recorded = recording.identity and recording.wire == "chat"
        yield _trip(recording, "chat", body, {}, as_recorded=as_recorded)
    if recording.wire in ("responses", "messages"):
        body = recording.request or _plain_request(recording.wire)
        headers = {name: value for name, value in recording.request_headers.items() if name == "anthropic-beta"}
        yield _trip(recording, recording.wire, body, headers, as_recorded=recording.request is not None)


def _trip(recording: Recording, surface: str, body: Json, headers: dict[str, str], *, as_recorded: bool) -> Trip:
    body = {**body, "model": f"{recording.row}/replay-{recording.id}"}
    if recording.stream != bool(body.get("stream")):
        body = {**body, "stream": recording.stream}
    return Trip(recording, surface, body, headers, as_recorded)


def _plain_request(surface: str) -> Json:
    """What is asked for an answer whose request was not recorded."""
    if surface == "responses":
        return {"input": "Say hello."}
    limit = {"max_tokens": 1024} if surface == "messages" else {"stream_options": {"include_usage": True}}
    return {"messages": [{"role": "user", "content": "Say hello."}], **limit}


def sample(recordings: Sequence[Recording], count: int, seed: int) -> list[Recording]:
    """So many, always the same for the same seed."""
    chosen = random.Random(seed).sample(range(len(recordings)), min(count, len(recordings)))
    return [recordings[number] for number in sorted(chosen)]
