"""OpenAI embeddings, as spoken by OpenAI and many compatible providers.

Format: OpenAI API reference, "Embeddings". Only the usage is decoded; vectors pass through as they came, numbers or
base64.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from services.rating import Tokens
from services.router.chat import NULL, Body, ChatRequest, Facts, Format
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import Usage, clean_id, cost_of, tokens_of
from services.router.wire.openai_chat_errors import error_inside, error_of_status
from services.runtime.errors import ProviderBroken, ProviderError, UnsupportedFeature

_encode = msgspec.json.Encoder().encode
_NO_HEADERS: Mapping[str, str] = {}


class _Vectors(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    data: msgspec.Raw = NULL
    usage: Usage | None = None
    error: msgspec.Raw = NULL


_decode = LenientDecoder(_Vectors).decode


class OpenAIEmbeddings:
    """See `WireFormat`. It is the neutral form of embeddings, too: other formats translate from and to it."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model."""
        return f"{base_url}/embeddings"

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The client's own members, in their order and to the byte, but for `model`."""
        return _encode({**request.body, "model": msgspec.Raw(_encode(model))})

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The body as it came, and its facts."""
        vectors = _decode(body)
        is_list = bytes(vectors.data).startswith(b"[")
        if vectors.error != NULL and not is_list:
            return Answer(body, _facts(vectors), Format.EMBEDDINGS, error_inside(vectors.error))
        if not is_list:
            raise ProviderBroken("The answer has no list of vectors", phase="body")
        return Answer(body, _facts(vectors), Format.EMBEDDINGS)

    def parse_stream(self, target: Format) -> StreamParser:
        """Never: nobody streams vectors."""
        raise UnsupportedFeature("Embeddings can't be streamed", field="stream")

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """As for chat: by status, and by the body's `code` where that says more."""
        return error_of_status(status, headers, body)


def _facts(vectors: _Vectors) -> Facts:
    facts = Facts(response_id=clean_id(vectors.id), served_model=clean_id(vectors.model))
    if vectors.usage is not None:
        facts.tokens = _tokens(vectors.usage)
        facts.reported_cost = cost_of(vectors.usage)
    return facts


def _tokens(usage: Usage) -> Tokens:
    """No completion, whatever is said of one; a total (Voyage, Jina) is all prompt."""
    tokens = tokens_of(usage)
    prompt = tokens.prompt_tokens if tokens.prompt_tokens is not None else usage.total_tokens
    return replace(tokens, prompt_tokens=prompt, completion_tokens=None if prompt is None else 0)
