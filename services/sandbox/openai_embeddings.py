"""Simulated OpenAI: embeddings.

Shapes and wording follow OpenAI's API reference, "Embeddings", and what api.openai.com answers. A vector is derived
from model and input alone, has length 1, and a shorter one points where the longer begins, as with the real models.
"""

import base64
import hashlib
import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.sandbox.chat import Usage
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.openai_chat.refusals import not_json, unsupported, wrong_type
from services.sandbox.openai_chat.rendering import indented
from services.sandbox.provider import Call, Reply, is_unknown
from services.sandbox.text import count_tokens

DIMENSIONS: Mapping[str, int] = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Of the models known; any other has 1536."""

_FIXED = "text-embedding-ada-002"
_USUAL = 1536
_MOST_INPUTS = 2048
_MOST_TOKENS = 8192
_ENCODINGS = ("float", "base64")
_NUMBER_BYTES = 4
_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)` - at `\$\.(?P<param>[^`]*)`")
_NO_INPUT = "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."

Input = str | list[int]


class _Body(msgspec.Struct, frozen=True):
    model: str = ""
    input: Any = None
    dimensions: int | None = None
    encoding_format: str | None = None


_decode = msgspec.json.Decoder(_Body).decode


def embed(call: Call) -> Reply:
    """The vectors of all inputs. Raises ApiError 400, or 404 for a model that does not exist."""
    body = _read(call.body)
    model = _model(body.model)
    inputs = _inputs(body.input)
    dimensions = _dimensions(model, body.dimensions)
    encoding = body.encoding_format or "float"
    if encoding not in _ENCODINGS:
        raise unsupported("encoding_format", encoding, _ENCODINGS)
    counts = [count_tokens(one) if isinstance(one, str) else len(one) for one in inputs]
    if max(counts) > _MOST_TOKENS:
        text = (
            f"This model's maximum context length is {_MOST_TOKENS} tokens, however you requested {max(counts)} tokens "
            f"({max(counts)} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
        raise ApiError(400, text)
    vectors = [
        {"object": "embedding", "index": place, "embedding": _written(vector(model, one, dimensions), encoding)}
        for place, one in enumerate(inputs)
    ]
    answer = {"object": "list", "data": vectors, "model": model}
    used = Usage(prompt_tokens=sum(counts), completion_tokens=0)
    usage = {"prompt_tokens": used.prompt_tokens, "total_tokens": used.total_tokens}
    return Reply(indented({**answer, "usage": usage}), used, indented(answer))


def vector(model: str, given: Input, dimensions: int) -> bytes:
    """So many 32-bit floats, the lowest byte first."""
    seed = f"{model}\n{given}".encode("utf-8", "surrogatepass")
    numbers = struct.unpack(f"<{dimensions}i", hashlib.shake_128(seed).digest(dimensions * _NUMBER_BYTES))
    length = math.sqrt(math.fsum(number * number for number in numbers))
    return struct.pack(f"<{dimensions}f", *(number / length for number in numbers))


def _written(packed: bytes, encoding: str) -> str | Sequence[float]:
    if encoding == "base64":
        return base64.b64encode(packed).decode()
    return struct.unpack(f"<{len(packed) // _NUMBER_BYTES}f", packed)


def _read(content: bytes) -> _Body:
    try:
        return _decode(content)
    except msgspec.ValidationError as error:
        wrong = _WRONG_TYPE.match(str(error))
        if wrong is None:
            raise not_json() from error
        expected = [name for name in wrong["expected"].split(" | ") if name != "null"]
        raise wrong_type(wrong["param"], expected, wrong["got"]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise not_json() from error


def _model(name: str) -> str:
    if not name:
        raise ApiError(400, "you must provide a model parameter")
    model, _ = from_model(name)
    if is_unknown(model):
        text = f"The model `{model}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found")
    return model


def _inputs(given: Any) -> Sequence[Input]:
    """One input or several: texts, or their tokens."""
    if isinstance(given, list) and given and all(isinstance(one, int) for one in given):
        return [given]
    inputs = given if isinstance(given, list) else [given]
    if not 1 <= len(inputs) <= _MOST_INPUTS or not all(map(_is_input, inputs)):
        raise ApiError(400, _NO_INPUT)
    return inputs


def _is_input(given: Any) -> bool:
    if isinstance(given, list):
        return bool(given) and all(isinstance(one, int) for one in given)
    return isinstance(given, str) and bool(given)


def _dimensions(model: str, wanted: int | None) -> int:
    most = DIMENSIONS.get(model, _USUAL)
    if wanted is None:
        return most
    if model == _FIXED:
        raise ApiError(400, "This model does not support specifying dimensions.")
    if not 1 <= wanted <= most:
        limit = f"less than or equal to {most}" if wanted > most else "greater than 0"
        text = f"Invalid value for 'dimensions' = {wanted}. Must be {limit}."
        raise ApiError(400, text, param="dimensions", code="invalid_value")
    return wanted
