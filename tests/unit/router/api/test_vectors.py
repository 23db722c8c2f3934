"""Vectors in the encoding asked for, whichever the provider answers in."""

import base64
import json
import struct
from typing import Any

import pytest

from services.router.api.vectors import in_encoding

NUMBERS = [0.5, -0.25]
PACKED = base64.b64encode(struct.pack("<2f", *NUMBERS)).decode()


def answer(*vectors: Any, layout: int | None = 2) -> bytes:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return json.dumps({"object": "list", "own": 1.50, "data": data}, indent=layout).encode()


def test_numbers_are_packed_for_who_asked_for_base64() -> None:
    assert json.loads(in_encoding(answer(NUMBERS, PACKED), packed=True)) == json.loads(answer(PACKED, PACKED))


def test_base64_is_unpacked_for_who_did_not() -> None:
    assert json.loads(in_encoding(answer(NUMBERS, PACKED), packed=False)) == json.loads(answer(NUMBERS, NUMBERS))


@pytest.mark.parametrize(("vector", "packed"), ((NUMBERS, False), (PACKED, True)))
def test_what_is_right_already_keeps_every_byte(vector: Any, packed: bool) -> None:
    assert in_encoding(answer(vector), packed=packed) == answer(vector)


@pytest.mark.parametrize(
    ("body", "packed"),
    (
        (answer("no base64!"), False),
        (answer(base64.b64encode(b"12345").decode()), False),
        (answer([1e300]), True),
        (answer(["a"]), True),
        (answer({"int8": [1]}), True),
        (b'{"data": [{"embedding": [NaN]}]}', True),
        (b'{"data": [7]}', True),
        (b'{"object": "list"}', True),
    ),
)
def test_what_is_no_vector_stays_as_it_came(body: bytes, packed: bool) -> None:
    assert in_encoding(body, packed=packed) == body
