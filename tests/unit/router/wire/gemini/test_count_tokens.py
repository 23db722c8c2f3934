"""Counts of tokens."""

import json

import pytest

from services.router.chat import ChatRequest, Format
from services.router.wire.base import Dialect
from services.router.wire.gemini import GeminiCountTokens
from services.runtime.errors import ProviderBroken, ProviderFailed, ProviderNotFound, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import body_of

WIRE = GeminiCountTokens()


def test_the_whole_request_is_counted() -> None:
    chat = body_of({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]})
    request = ChatRequest(model="any", body={}, size=1, format=Format.COUNT_TOKENS, to_chat=lambda _: chat)
    assert json.loads(WIRE.render_request(request, "gemini-2.5-flash", {}, Dialect())) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-flash",
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "systemInstruction": {"parts": [{"text": "S"}]},
        }
    }


def test_the_count_comes_in_anthropics_shape() -> None:
    answer = WIRE.parse_response(b'{"totalTokens": 7, "promptTokensDetails": []}', Format.COUNT_TOKENS)
    assert (answer.body, answer.format) == (b'{"input_tokens":7}', Format.COUNT_TOKENS)


def test_what_is_no_count_is_broken() -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(b"{}", Format.COUNT_TOKENS)


def test_errors_are_googles() -> None:
    with pytest.raises(ProviderFailed):
        WIRE.parse_response(b'{"error": {"code": 500, "status": "INTERNAL"}}', Format.COUNT_TOKENS)
    assert type(WIRE.parse_error(404, {}, b'{"error": {"code": 404, "status": "NOT_FOUND"}}')) is ProviderNotFound


def test_a_count_is_not_streamed() -> None:
    with pytest.raises(UnsupportedFeature):
        WIRE.parse_stream(Format.COUNT_TOKENS)
