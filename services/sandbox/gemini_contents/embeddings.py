"""Simulated Gemini: embeddings, one by one and in batches."""

import struct

from services.sandbox.chat import Usage
from services.sandbox.gemini_contents import refusals
from services.sandbox.gemini_contents.body import BatchEmbedBody, EmbedBody, decode
from services.sandbox.gemini_contents.rendering import indented
from services.sandbox.openai_embeddings import vector
from services.sandbox.provider import Reply
from services.sandbox.text import count_tokens

_USUAL = 3072
_MOST_INPUTS = 100


def embed(body: bytes, model: str) -> Reply:
    """The vector of one content. Raises ApiError 400."""
    read = decode(body, EmbedBody)
    return Reply(indented({"embedding": _embedded(read, model), "usageMetadata": _usage([read])}), _bill([read]))


def embed_batch(body: bytes, model: str) -> Reply:
    """The vectors of several contents, in their order. Raises ApiError 400."""
    requests = decode(body, BatchEmbedBody).requests or []
    if not 1 <= len(requests) <= _MOST_INPUTS:
        what = f"at least one and at most {_MOST_INPUTS} requests can be in one batch"
        raise refusals.invalid(f"* BatchEmbedContentsRequest.requests: {what}\n")
    for position, request in enumerate(requests):
        if request.model != f"models/{model}":
            text = f"* BatchEmbedContentsRequest.requests[{position}].model: unexpected model name format\n"
            raise refusals.invalid(text)
    embeddings = [_embedded(request, model) for request in requests]
    return Reply(indented({"embeddings": embeddings, "usageMetadata": _usage(requests)}), _bill(requests))


def _embedded(request: EmbedBody, model: str) -> dict[str, object]:
    dimensions = _USUAL if request.output_dimensionality is None else request.output_dimensionality
    if not 1 <= dimensions <= _USUAL:
        raise refusals.invalid(f"* EmbedContentRequest.output_dimensionality: must be in the range [1, {_USUAL}]\n")
    text = _text(request)
    if not text:
        raise refusals.invalid("* EmbedContentRequest.content: contents is not specified\n")
    packed = vector(model, text, dimensions)
    return {"values": struct.unpack(f"<{dimensions}f", packed)}


def _text(request: EmbedBody) -> str:
    return "\n".join(part.text or "" for part in request.content.all_parts) if request.content else ""


def _bill(requests: list[EmbedBody]) -> Usage:
    return Usage(prompt_tokens=sum(count_tokens(_text(request)) for request in requests), completion_tokens=0)


def _usage(requests: list[EmbedBody]) -> dict[str, object]:
    tokens = _bill(requests).prompt_tokens
    return {"promptTokenCount": tokens, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": tokens}]}
