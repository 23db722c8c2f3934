"""From an EmbeddingSpec to the neutral request, and from an answer to vectors."""

import base64
import struct
import time
from typing import Any

import msgspec
import pytest

from pantheon.router.v1.completion_pb2 import RoutingPreferences
from pantheon.router.v1.embedding_pb2 import EmbeddingSpec
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, LEDGER_STATE_SETTLED, SURFACE_GRPC
from services.rating import Tokens
from services.router.api.grpc_embeddings import embeddings, to_request
from services.router.attempts import Call
from services.router.catalog import Endpoint
from services.router.chat import Facts, Format
from services.router.engine import Completed
from services.router.plan import Candidate, Plan
from services.runtime.errors import InvalidField, ProviderBroken
from tests.unit.router.calls import PRINCIPAL, WIRE, bill, provider, request


def completed(*vectors: Any, state: int = LEDGER_STATE_SETTLED) -> Completed:
    candidate = Candidate(provider("openai", sandbox=True), Endpoint("openai", "text-embedding-3-small"), WIRE)
    plan = Plan("openai/text-embedding-3-small", [candidate], {})
    call = Call("request-1", request(), PRINCIPAL, SURFACE_GRPC, plan, time.monotonic())
    body = msgspec.json.encode({"data": vectors})
    facts = Facts(served_model="text-embedding-3-small-v2")
    receipt = bill(state, Tokens(7, 0), "0.00000014")
    return Completed(call, candidate, body, Format.EMBEDDINGS, facts, receipt)


def test_a_spec_becomes_the_body_of_a_request() -> None:
    spec = EmbeddingSpec(
        model="openai/text-embedding-3-small",
        texts=["one", "two"],
        dimensions=256,
        routing=RoutingPreferences(providers=["openai"], no_fallback=True),
        tags={"team": "search"},
        extra_body_json='{"user": "u-1"}',
    )
    found = to_request(spec)
    assert {name: bytes(value) for name, value in found.body.items()} == {
        "model": b'"openai/text-embedding-3-small"',
        "input": b'["one","two"]',
        "dimensions": b"256",
        "user": b'"u-1"',
    }
    assert found.format is Format.EMBEDDINGS
    assert (found.providers, found.fallback, found.tags) == (("openai",), False, {"team": "search"})
    assert found.size > len('["one","two"]')


def test_what_is_left_open_is_left_to_the_provider() -> None:
    assert to_request(EmbeddingSpec(model="m", texts=["one"])).body.keys() == {"model", "input"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    (
        ({"model": ""}, "model"),
        ({"texts": []}, "texts"),
        ({"texts": ["x"] * 2049}, "texts"),
        ({"dimensions": 0}, "dimensions"),
        ({"extra_body_json": '{"input": "other"}'}, "extra_body_json.input"),
        ({"extra_body_json": '{"stream": true}'}, "extra_body_json.stream"),
        ({"extra_body_json": "[]"}, "extra_body_json"),
        ({"tags": {"": "x"}}, "tags"),
    ),
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        to_request(EmbeddingSpec(**{"model": "m", "texts": ["one"], **wrong}))
    assert caught.value.metadata["field"] == field


def test_vectors_come_in_the_order_of_the_texts_and_with_their_bill() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -0.25)).decode()
    answer = completed({"index": 1, "embedding": packed}, {"index": 0, "embedding": [1, 0.125]})
    found = embeddings(answer, 2)
    assert [list(one.vector) for one in found.embeddings] == [[1.0, 0.125], [0.5, -0.25]]
    assert (found.request_id, found.provider, found.sandbox) == ("request-1", "openai", True)
    assert found.model == "openai/text-embedding-3-small"
    assert found.served_model == "text-embedding-3-small-v2"
    assert (found.tokens.prompt_tokens, found.tokens.completion_tokens) == (7, 0)
    assert found.cost.amount.value == "0.00000014"
    assert found.timing.total.ToMilliseconds() == 500


def test_tokens_that_nobody_reported_are_not_shown() -> None:
    found = embeddings(completed({"embedding": [0.5]}, state=LEDGER_STATE_ESTIMATED), 1)
    assert not found.HasField("tokens")


@pytest.mark.parametrize(
    "vectors",
    (
        (),
        ({"embedding": [1.0]}, {"embedding": [2.0]}),
        ({"embedding": "no base64!"},),
        ({"embedding": base64.b64encode(b"12345").decode()},),
        ({"embedding": {"int8": [1]}},),
        ({},),
    ),
)
def test_an_answer_without_a_vector_for_each_text_is_broken(vectors: tuple[Any, ...]) -> None:
    with pytest.raises(ProviderBroken):
        embeddings(completed(*vectors), 1)
