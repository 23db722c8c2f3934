"""Recorded exchanges with providers, as the router reads them: what each answer says of itself, tokens and cost."""

import gzip
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from services.router.chat import Facts, Format
from services.router.sse import SseReader
from services.router.wire.anthropic_messages import AnthropicMessages
from services.router.wire.base import WireFormat
from services.router.wire.gemini import Gemini
from services.router.wire.openai_chat import OpenAIChat
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime.errors import ProviderError
from tests.fixtures.references import TRAFFIC

WIRES: dict[str, tuple[WireFormat, Format]] = {
    "chat": (OpenAIChat(), Format.CHAT),
    "responses": (OpenAIResponses(), Format.RESPONSES),
    "messages": (AnthropicMessages(), Format.CHAT),
    "gemini": (Gemini(), Format.CHAT),
}

Row = TypeVar("Row", bound=msgspec.Struct)


class _Response(msgspec.Struct):
    body: str
    is_sse: bool


class _Exchange(msgspec.Struct):
    id: str
    wire: str
    response: _Response


def rows(path: Path, kind: type[Row]) -> Iterator[Row]:
    """The lines of one of the corpus's files."""
    with gzip.open(path) as lines:
        yield from map(msgspec.json.Decoder(kind).decode, lines)


def facts_of(ids: Collection[str]) -> dict[str, Facts]:
    """What the answers of these exchanges say, by id; of one in a form that Pantheon never asks for: nothing."""
    return {exchange.id: _facts(exchange) for exchange in rows(TRAFFIC, _Exchange) if exchange.id in ids}


def _facts(exchange: _Exchange) -> Facts:
    wire, target = WIRES[exchange.wire]
    body = exchange.response.body.encode()
    try:
        if not exchange.response.is_sse:
            return wire.parse_response(body, target).facts
        reader, parser = SseReader(), wire.parse_stream(target)
        for event in reader.feed(body) + reader.finish():
            parser.parse(event)
    except ProviderError:
        return Facts()
    return parser.facts
