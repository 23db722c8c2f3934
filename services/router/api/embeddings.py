"""POST /v1/embeddings: what any OpenAI SDK speaks.

Format: OpenAI API reference, "Embeddings". Requests and answers keep every member they came with; vectors come in the
encoding asked for, whichever the provider answers in.
"""

import time
from typing import Any

import msgspec
from starlette.types import Scope

from pantheon.usage.v1.ledger_pb2 import SURFACE_OPENAI_EMBEDDINGS
from services.router.api import openai_errors
from services.router.api.app import Exchange
from services.router.api.bodies import body_of, model_of
from services.router.api.headers import completed_headers
from services.router.api.http import providers_of, switch, tags_of
from services.router.api.vectors import in_encoding
from services.router.chat import UNREADABLE_JSON, Body, ChatRequest, Format
from services.router.engine import Engine
from services.runtime.errors import InvalidField
from services.runtime.logging import bind_request

_INPUTS = "a text, or a list of texts, of tokens or of lists of tokens, with at least one member"
_KINDS: dict[bytes, Any] = {
    b'"': msgspec.json.Decoder(list[str]),
    b"[": msgspec.json.Decoder(list[list[int]]),
    b"{": msgspec.json.Decoder(list[Body]),  # texts and images together (OpenRouter, Voyage)
}
"""What the members of a list are, by how the first begins."""
_tokens = msgspec.json.Decoder(list[int])
_NULL = b"null"
_PACKED = {_NULL: False, b'"float"': False, b'"base64"': True}
"""Whether vectors are to be in base64, by what the request says. An encoding that is not OpenAI's is the provider's."""


class EmbeddingsSurface:
    """POST /v1/embeddings."""

    errors = openai_errors

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        began = time.monotonic()
        principal = await exchange.principal()
        request = parse_request(exchange.scope, await exchange.body())
        call = self._engine.call(request, principal, SURFACE_OPENAI_EMBEDDINGS, began)
        bind_request(call.id)
        reply = exchange.reply
        reply.headers.append((b"x-request-id", call.id.encode()))
        completed = await self._engine.complete(call)
        reply.headers += completed_headers(completed)
        packed = _PACKED.get(bytes(request.body.get("encoding_format", _NULL)))
        await reply.send(completed.body if packed is None else in_encoding(completed.body, packed=packed))


def parse_request(scope: Scope, content: bytes) -> ChatRequest:
    """The neutral request; its members stay as they came.

    Raises:
        MalformedBody: it is not a JSON object.
        InvalidField: model or input are missing or of the wrong type.
    """
    body = body_of(content)
    model = model_of(body)
    _check_input(bytes(body.get("input", _NULL)))
    return ChatRequest(
        model=model,
        body=body,
        size=len(content),
        format=Format.EMBEDDINGS,
        tags=tags_of(scope),
        providers=providers_of(scope),
        fallback=switch(scope, b"x-pantheon-fallback", absent=True),
    )


def _check_input(given: bytes) -> None:
    """Lets what can be embedded pass. What it is instead is named by kind: it may be somebody's text."""
    if given.startswith(b'"'):
        return
    if not given.startswith(b"["):
        kind = {b"n": "null", b"{": "an object", b"t": "true", b"f": "false"}.get(given[:1], "a number")
        raise InvalidField("input", kind, _INPUTS)
    first = given[1:].lstrip()[:1]
    if first == b"]":
        raise InvalidField("input", "an empty list", _INPUTS)
    try:
        _KINDS.get(first, _tokens).decode(given)
    except UNREADABLE_JSON:
        raise InvalidField("input", "a list of something else, or of several kinds", _INPUTS) from None
