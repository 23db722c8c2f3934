"""Embeddings."""

import json
from typing import Any

import pytest

from services.rating import Tokens
from services.router.chat import ChatRequest, Format
from services.router.wire.base import Dialect
from services.router.wire.gemini import GeminiEmbeddings
from services.runtime.errors import ProviderBroken, ProviderFailed, ProviderRateLimited, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import Json, body_of

WIRE = GeminiEmbeddings()


def rendered(**members: Any) -> Json:
    body = body_of({"model": "any", **members})
    request = ChatRequest(model="any", body=body, size=1, format=Format.EMBEDDINGS)
    found: Json = json.loads(WIRE.render_request(request, "gemini-embedding-001", {}, Dialect()))
    return found


def one(text: str, **more: Any) -> Json:
    return {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, **more}


def test_each_text_is_a_request() -> None:
    assert rendered(input="a") == {"requests": [one("a")]}
    assert rendered(input=["a", "b"], dimensions=8, encoding_format="base64") == {
        "requests": [one("a", outputDimensionality=8), one("b", outputDimensionality=8)]
    }


@pytest.mark.parametrize("given", ([1, 2], [[1, 2]], [{"content": []}]))
def test_tokens_and_images_are_refused(given: Any) -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        rendered(input=given)
    assert raised.value.metadata["field"] == "input"


def test_vectors_come_in_openais_shape() -> None:
    body = b'{"embeddings": [{"values": [0.1, -2e-3]}, {"values": [1]}], "usageMetadata": {"promptTokenCount": 4}}'
    answer = WIRE.parse_response(body, Format.EMBEDDINGS)
    assert answer.format is Format.EMBEDDINGS
    assert json.loads(answer.body) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.1, -0.002]},
            {"object": "embedding", "index": 1, "embedding": [1]},
        ],
        "model": "",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    assert answer.facts.tokens == Tokens(prompt_tokens=4, completion_tokens=0)


def test_usage_that_was_not_told_is_left_out() -> None:
    answer = WIRE.parse_response(b'{"embeddings": [{"values": [1]}]}', Format.EMBEDDINGS)
    assert "usage" not in json.loads(answer.body)
    assert answer.facts.tokens is None


@pytest.mark.parametrize("body", (b"{}", b'{"embeddings": [{}]}', b'{"embeddings": [{"values": "x"}]}', b"[]"))
def test_what_holds_no_vectors_is_broken(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(body, Format.EMBEDDINGS)


def test_errors_are_googles() -> None:
    with pytest.raises(ProviderFailed):
        WIRE.parse_response(b'{"error": {"code": 500, "status": "INTERNAL"}}', Format.EMBEDDINGS)
    body = b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}'
    assert type(WIRE.parse_error(429, {}, body)) is ProviderRateLimited


def test_vectors_are_not_streamed() -> None:
    with pytest.raises(UnsupportedFeature):
        WIRE.parse_stream(Format.EMBEDDINGS)
