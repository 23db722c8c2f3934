"""Embeddings pass through as they are; what they say of themselves is what is billed."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.rating import PriceUnit, PriceVersion, Tokens, UnitPrice, rate
from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.wire.base import Dialect
from services.router.wire.openai_embeddings import OpenAIEmbeddings
from services.runtime.errors import ProviderBroken, ProviderError, ProviderRateLimited, UnsupportedFeature
from tests.unit.router.calls import PAST

WIRE = OpenAIEmbeddings()


def render(text: bytes) -> bytes:
    body = msgspec.json.decode(text, type=Body)
    request = ChatRequest(model="m", body=body, size=len(text), format=Format.EMBEDDINGS)
    return WIRE.render_request(request, "text-embedding-3-small", {}, Dialect())


def facts(**members: Any) -> Facts:
    answer = {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], **members}
    return WIRE.parse_response(json.dumps(answer).encode(), Format.EMBEDDINGS).facts


def test_a_request_goes_out_to_the_byte_under_the_provider_s_name_of_the_model() -> None:
    sent = render(b'{"input":["h\\u00e9", "b"],"model":"m","dimensions": 256,"own":{"a" : 1.50}}')
    assert sent == (b'{"input":["h\\u00e9", "b"],"model":"text-embedding-3-small","dimensions":256,"own":{"a" : 1.50}}')


def test_an_answer_comes_back_to_the_byte() -> None:
    body = b'  {"object":"list","data":[{"index":0,"embedding":"AAAAPw==","own":1.50}],"own":[1 , 2]}\n'
    answer = WIRE.parse_response(body, Format.EMBEDDINGS)
    assert answer.body == body
    assert answer.format is Format.EMBEDDINGS


def test_it_says_which_model_answered_and_what_it_used() -> None:
    found = facts(id="emb-1", model="text-embedding-3-small", usage={"prompt_tokens": 7, "total_tokens": 7})
    assert (found.response_id, found.served_model) == ("emb-1", "text-embedding-3-small")
    assert found.tokens == Tokens(prompt_tokens=7, completion_tokens=0)
    assert found.finish_reason == ""


@pytest.mark.parametrize(
    ("usage", "tokens"),
    (
        ({"total_tokens": 9}, Tokens(prompt_tokens=9, completion_tokens=0)),
        ({"prompt_tokens": 0, "total_tokens": 0}, Tokens(prompt_tokens=0, completion_tokens=0)),
        ({"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}, Tokens(5, 0)),
        ({}, Tokens()),
    ),
)
def test_all_tokens_are_the_prompt_s(usage: dict[str, int], tokens: Tokens) -> None:
    assert facts(usage=usage).tokens == tokens


def test_an_answer_without_usage_has_unknown_tokens() -> None:
    assert facts().tokens is None


def test_the_cost_that_a_provider_reports_is_kept() -> None:
    assert facts(usage={"prompt_tokens": 6, "cost": 1.2e-7}).reported_cost == Decimal("1.2E-7")


def test_a_price_without_one_for_completions_rates_it() -> None:
    prices = (UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal("0.02"), 1_000_000),)
    rating = rate(Tokens(prompt_tokens=7, completion_tokens=0), PriceVersion("p", PAST, PAST, prices, "test"))
    assert rating is not None
    assert rating.amount == Decimal("0.00000014")


@pytest.mark.parametrize("body", (b"[]", b'{"data":null}', b'{"data":{}}', b"{}", b"nonsense", b'{"data":[1'))
def test_what_holds_no_vectors_is_broken(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(body, Format.EMBEDDINGS)


def test_an_error_inside_an_answer_is_one() -> None:
    body = b'{"error":{"message":"slow down","code":429},"usage":{"prompt_tokens":2}}'
    answer = WIRE.parse_response(body, Format.EMBEDDINGS)
    assert isinstance(answer.failure, ProviderRateLimited)
    assert answer.failure.message == "slow down"
    assert answer.facts.tokens == Tokens(2, 0)


def test_errors_are_read_as_those_of_chat() -> None:
    error: ProviderError = WIRE.parse_error(429, {"retry-after": "2"}, b'{"error":{"message":"slow down"}}')
    assert isinstance(error, ProviderRateLimited)
    assert error.metadata["retry_after_seconds"] == "2"


def test_there_are_no_streams() -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        WIRE.parse_stream(Format.EMBEDDINGS)
    assert caught.value.metadata["field"] == "stream"


def test_all_models_share_one_address() -> None:
    url = WIRE.request_url("https://a.example/v1", "m", stream=False)
    assert url == "https://a.example/v1/embeddings"
