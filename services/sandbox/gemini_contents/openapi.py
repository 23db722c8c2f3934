"""Schemas in the Gemini API's own form, a part of OpenAPI 3.0, as JSON schemas.

After Google's reference, `Schema`. What it does not name, such as `$ref` or `additionalProperties`, is refused.
"""

from collections.abc import Mapping
from typing import Any

from services.sandbox.gemini_contents import refusals
from services.sandbox.gemini_contents.body import camel_case

_KEYWORDS = frozenset(
    {
        *("type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties"),
        *("required", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf"),
        *("propertyOrdering", "default", "items", "minimum", "maximum"),
    }
)


def json_schema(schema: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The same as a JSON schema. Raises ApiError 400 for a keyword that does not exist; `place` is where it stands."""
    made: dict[str, Any] = {}
    for written, inner in schema.items():
        name = camel_case(written)
        if name not in _KEYWORDS:
            raise refusals.unknown_name(written, place)
        made[name] = _converted(name, inner, f"{place}.{name}")
    return made


def _converted(name: str, inner: Any, place: str) -> Any:
    if name == "type":
        return str(inner).lower()
    if name == "properties" and isinstance(inner, Mapping):
        return {
            key: json_schema(value, f"{place}[{number}].value") for number, (key, value) in enumerate(inner.items())
        }
    if name == "items" and isinstance(inner, Mapping):
        return json_schema(inner, place)
    if name == "anyOf" and isinstance(inner, list):
        return [json_schema(value, f"{place}[{number}]") for number, value in enumerate(inner)]
    if name in ("maxItems", "minItems", "minProperties", "maxProperties", "minLength", "maxLength"):
        return int(inner)  # 64-bit integers may be written as strings
    return inner
