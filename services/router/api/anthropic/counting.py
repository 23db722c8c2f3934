"""POST /v1/messages/count_tokens: the provider's own count, or an estimate where it has none.

Nothing of it is booked: no provider bills for counting.
"""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from pantheon.usage.v1.ledger_pb2 import SURFACE_ANTHROPIC_MESSAGES
from services.router.api.anthropic import errors
from services.router.api.anthropic.request import parse_request
from services.router.api.anthropic.surface import request_headers
from services.router.api.app import Exchange
from services.router.chat import CHARACTERS_PER_TOKEN, UNREADABLE_JSON, Body, Format
from services.router.engine import Engine
from services.runtime.errors import ProviderNotFound, UnsupportedFeature
from services.runtime.logging import bind_request

_READ = ("system", "messages", "tools")
_NO_TEXT = ("type", "source", "signature", "cache_control", "id", "tool_use_id", "role")
_encode = msgspec.json.Encoder().encode


class CountTokensSurface:
    """POST /v1/messages/count_tokens."""

    errors = errors

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        began = time.monotonic()
        principal = await exchange.principal()
        request = parse_request(exchange.scope, await exchange.body(), Format.COUNT_TOKENS)
        reply = exchange.reply
        try:
            call = self._engine.call(request, principal, SURFACE_ANTHROPIC_MESSAGES, began)
            bind_request(call.id)
            reply.headers += request_headers(call)
            body = (await self._engine.ask(call)).body
        except (UnsupportedFeature, ProviderNotFound):
            # Agents count before every turn: an answer that is about right serves them better than none.
            reply.headers.append((b"x-pantheon-estimate", b"true"))
            body = _encode({"input_tokens": estimate(request.body)})
        await reply.send(body)


def estimate(body: Body) -> int:
    """About how many tokens a request has: a quarter of the bytes of its texts, schemas and arguments."""
    return -(-sum(_length(body[name]) for name in _READ if name in body) // CHARACTERS_PER_TOKEN)


def _length(member: msgspec.Raw) -> int:
    """How many bytes the texts in a member have; all of its own where it has numbers that can't be read."""
    try:
        value = msgspec.json.decode(member)
    except UNREADABLE_JSON:
        return len(bytes(member))
    return sum(len(text.encode()) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value, names of members included, but not what only machines read."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            for name, member in one.items():
                if name in _NO_TEXT and not (name == "source" and _is_text(member)):
                    continue
                yield name
                waiting.append(member)


def _is_text(source: Any) -> bool:
    return isinstance(source, dict) and source.get("type") in ("text", "content")
