"""Gemini's batchEmbedContents, from and to OpenAI's embeddings.

Formats: Gemini API reference, "Embeddings"; OpenAI API reference, "Embeddings". The method is the Gemini API's: Vertex
AI has another one.
"""

from collections.abc import Mapping

import msgspec

from services.rating import Tokens
from services.router.chat import UNREADABLE_JSON, Body, ChatRequest, Facts, Format
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.gemini.addresses import method_url, resource_name
from services.router.wire.gemini.answer import NOTHING, Count
from services.router.wire.gemini.errors import error_inside, error_of_status
from services.router.wire.lenient import LenientDecoder
from services.router.wire.reading import given
from services.runtime.errors import ProviderBroken, ProviderError, UnsupportedFeature

_encode = msgspec.json.Encoder().encode
_texts = msgspec.json.Decoder(str | list[str])
_NO_HEADERS: Mapping[str, str] = {}


class _Embedding(msgspec.Struct):
    values: msgspec.Raw = NOTHING


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: Count | None = None


class _Batch(msgspec.Struct, rename="camel"):
    embeddings: list[_Embedding] | None = None
    usage_metadata: _Usage | None = None
    error: msgspec.Raw = NOTHING


_decode = LenientDecoder(_Batch).decode


class GeminiEmbeddings:
    """See `WireFormat`. Vectors come as numbers; the surface puts them into the encoding asked for."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The model's method for many texts."""
        return method_url(base_url, model, "batchEmbedContents")

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """A request for each text, in their order."""
        try:
            texts = _texts.decode(request.body.get("input", b""))
        except UNREADABLE_JSON:
            message = "input: Gemini embeds texts here, neither tokens nor images"
            raise UnsupportedFeature(message, field="input") from None
        shared: dict[str, object] = {"model": resource_name(model)}
        dimensions = given(request.body, "dimensions")
        if dimensions is not None:
            shared["outputDimensionality"] = dimensions
        texts = [texts] if isinstance(texts, str) else texts
        return _encode({"requests": [{**shared, "content": {"parts": [{"text": text}]}} for text in texts]})

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """OpenAI's list of vectors; the usage where Gemini tells it."""
        batch = _decode(body)
        if batch.error and batch.error != b"null":
            raise error_inside(batch.error)
        if batch.embeddings is None or not all(bytes(one.values).startswith(b"[") for one in batch.embeddings):
            raise ProviderBroken("The answer has no list of vectors", phase="body")
        vectors = [
            {"object": "embedding", "index": index, "embedding": vector.values}
            for index, vector in enumerate(batch.embeddings)
        ]
        answer: dict[str, object] = {"object": "list", "data": vectors, "model": ""}
        facts = Facts()
        prompt = batch.usage_metadata.prompt_token_count if batch.usage_metadata else None
        if prompt is not None:
            facts.tokens = Tokens(prompt_tokens=prompt, completion_tokens=0)
            answer["usage"] = {"prompt_tokens": prompt, "total_tokens": prompt}
        return Answer(_encode(answer), facts, Format.EMBEDDINGS)

    def parse_stream(self, target: Format) -> StreamParser:
        """Never: nobody streams vectors."""
        raise UnsupportedFeature("Embeddings can't be streamed", field="stream")

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """As for chat."""
        return error_of_status(status, headers, body)
