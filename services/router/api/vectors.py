"""Vectors of an embeddings answer as numbers and in base64, whichever of them a provider answers in.

Format: OpenAI API reference, "Embeddings" (`encoding_format`). In base64 a vector is a row of 32-bit floats, the lowest
byte first.
"""

import base64
import binascii
import struct
from collections.abc import Sequence

import msgspec

from services.router.chat import UNREADABLE_JSON, Body

_FLOAT_BYTES = 4
_TEXT, _LIST = b'"', b"["
_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(Body)
_list = msgspec.json.Decoder(list[Body])
_vector: msgspec.json.Decoder[list[float] | str] = msgspec.json.Decoder(list[float] | str)

UNREADABLE = (*UNREADABLE_JSON, binascii.Error, struct.error, OverflowError)
"""What is raised of vectors that are none."""


def numbers(vector: list[float] | str) -> Sequence[float]:
    """The vector's numbers. Raises one of UNREADABLE where its base64 holds none."""
    if isinstance(vector, list):
        return vector
    packed = base64.b64decode(vector, validate=True)
    return struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed)


def in_encoding(body: bytes, *, packed: bool) -> bytes:
    """An answer with its vectors in base64 (`packed`) or as numbers; every byte as it came where they are so already.

    An answer that can't be read or converted stays as it came, too: it is the client's to judge.
    """
    other = _LIST if packed else _TEXT
    try:
        answer = _answer.decode(body)
        vectors = _list.decode(answer.get("data", b""))
        strange = [vector for vector in vectors if bytes(vector.get("embedding", b"")).startswith(other)]
        for vector in strange:
            found = numbers(_vector.decode(vector["embedding"]))
            vector["embedding"] = msgspec.Raw(_encode(_packed(found) if packed else found))
    except UNREADABLE:
        return body
    return _encode({**answer, "data": vectors}) if strange else body


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
