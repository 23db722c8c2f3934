"""From an EmbeddingSpec to the neutral request, and from its answer to the proto's vectors.

Format: OpenAI API reference, "Embeddings".
"""

from collections.abc import Sequence

import msgspec

from pantheon.router.v1.embedding_pb2 import Embedding, Embeddings, EmbeddingSpec
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_SETTLED
from services.router.api.grpc_request import add_extra, length_of
from services.router.api.vectors import UNREADABLE, numbers
from services.router.chat import Body, ChatRequest, Format, check_tags
from services.router.engine import Completed
from services.runtime.errors import InvalidField, ProviderBroken

_MOST_TEXTS = 2048
_encode = msgspec.json.Encoder().encode


class _Vector(msgspec.Struct):
    embedding: list[float] | str
    index: int = 0


class _Answer(msgspec.Struct):
    data: list[_Vector]


_decode = msgspec.json.Decoder(_Answer).decode


def to_request(spec: EmbeddingSpec) -> ChatRequest:
    """The neutral request.

    Raises:
        InvalidField: something is missing or out of range; the field is named by its path in the spec.
    """
    if not spec.model:
        raise InvalidField("model", "", "the id of a model")
    if not 1 <= len(spec.texts) <= _MOST_TEXTS:
        raise InvalidField("texts", len(spec.texts), f"1 to {_MOST_TEXTS} texts")
    check_tags(spec.tags)
    body: Body = {"model": msgspec.Raw(_encode(spec.model)), "input": msgspec.Raw(_encode(list(spec.texts)))}
    if spec.HasField("dimensions"):
        if spec.dimensions < 1:
            raise InvalidField("dimensions", spec.dimensions, "at least 1")
        body["dimensions"] = msgspec.Raw(_encode(spec.dimensions))
    if spec.extra_body_json:
        add_extra(body, spec.extra_body_json, ("stream",))
    return ChatRequest(
        model=spec.model,
        body=body,
        size=length_of(body),
        format=Format.EMBEDDINGS,
        tags=dict(spec.tags),
        providers=tuple(spec.routing.providers),
        fallback=not spec.routing.no_fallback,
    )


def embeddings(completed: Completed, texts: int) -> Embeddings:
    """The answer to a request with so many texts.

    Raises:
        ProviderBroken: it does not hold one vector for each of them.
    """
    call, receipt, provider = completed.call, completed.receipt, completed.candidate.provider
    return Embeddings(
        request_id=call.id,
        model=call.plan.model,
        served_model=completed.facts.served_model,
        provider=provider.name,
        embeddings=[Embedding(vector=vector) for vector in _vectors(completed.body, texts)],
        tokens=receipt.tokens if receipt.state == LEDGER_STATE_SETTLED else None,
        cost=receipt.cost,
        timing=receipt.timing,
        sandbox=provider.sandbox,
    )


def _vectors(body: bytes, texts: int) -> list[Sequence[float]]:
    try:
        found = _decode(body).data
        found.sort(key=lambda vector: vector.index)
        if len(found) == texts:
            return [numbers(vector.embedding) for vector in found]
    except UNREADABLE as error:
        raise ProviderBroken(f"The vectors can't be read: {error}", phase="body") from None
    raise ProviderBroken(f"The answer has {len(found)} vectors for {texts} texts", phase="body")
