"""Simulated embeddings: the same text always has the same vector, and what the real API refuses is refused."""

import base64
import math
import struct
from typing import Any

import msgspec
import pytest

from services.sandbox.errors import ApiError
from services.sandbox.openai_embeddings import embed, vector
from services.sandbox.provider import Call


def ask(**fields: Any) -> Any:
    body = msgspec.json.encode({"model": "text-embedding-3-small", "input": "Hello there", **fields})
    return msgspec.json.decode(embed(Call(body=body)).body)


def refused(**fields: Any) -> ApiError:
    with pytest.raises(ApiError) as refusal:
        ask(**fields)
    return refusal.value


@pytest.mark.parametrize(
    ("model", "dimensions"),
    (("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)),
)
def test_a_vector_has_the_model_s_dimensions_and_length_one(model: str, dimensions: int) -> None:
    (found,) = ask(model=model)["data"]
    assert len(found["embedding"]) == dimensions
    assert math.isclose(math.hypot(*found["embedding"]), 1, rel_tol=1e-6)


def test_the_same_text_has_the_same_vector_and_another_has_another() -> None:
    first, again, other = (one["embedding"] for one in ask(input=["a text", "a text", "another"])["data"])
    assert first == again
    assert first != other


def test_a_shorter_vector_points_where_the_longer_begins() -> None:
    whole = ask()["data"][0]["embedding"][:256]
    short = ask(dimensions=256)["data"][0]["embedding"]
    scale = math.hypot(*whole)
    assert all(math.isclose(one, other / scale, rel_tol=1e-5) for one, other in zip(short, whole, strict=True))


def test_base64_holds_the_same_numbers() -> None:
    packed = base64.b64decode(ask(encoding_format="base64", dimensions=4)["data"][0]["embedding"])
    assert list(struct.unpack("<4f", packed)) == ask(dimensions=4)["data"][0]["embedding"]
    assert packed == vector("text-embedding-3-small", "Hello there", 4)


def test_tokens_of_all_inputs_are_counted() -> None:
    assert ask(input=["12345678", "1234"])["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert ask(input=[1, 2, 3])["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert len(ask(input=[[1, 2], [3]])["data"]) == 2


def test_the_usage_can_be_left_out() -> None:
    reply = embed(Call(body=b'{"model":"text-embedding-3-small","input":"x","dimensions":2}'))
    whole, bare = msgspec.json.decode(reply.body), msgspec.json.decode(reply.bare)
    assert whole.pop("usage")
    assert bare == whole


@pytest.mark.parametrize(
    ("fields", "words"),
    (
        ({"input": None}, "'$.input' is invalid"),
        ({"input": ""}, "'$.input' is invalid"),
        ({"input": []}, "'$.input' is invalid"),
        ({"input": ["a", 1]}, "'$.input' is invalid"),
        ({"input": ["x"] * 2049}, "'$.input' is invalid"),
        ({"input": "x" * 40_000}, "maximum context length is 8192 tokens"),
        ({"model": ""}, "you must provide a model parameter"),
        ({"dimensions": 1537}, "Must be less than or equal to 1536"),
        ({"dimensions": 0}, "Must be greater than 0"),
        ({"dimensions": "many"}, "Invalid type for 'dimensions': expected an integer, but got a string instead."),
        ({"model": "text-embedding-ada-002", "dimensions": 8}, "does not support specifying dimensions"),
        ({"encoding_format": "int8"}, "Supported values are: 'float', and 'base64'."),
    ),
)
def test_what_the_real_one_refuses_is_refused(fields: dict[str, Any], words: str) -> None:
    error = refused(**fields)
    assert error.status == 400
    assert words in error.message


def test_a_model_that_does_not_exist_is_not_found() -> None:
    assert refused(model="no-such-model").status == 404
