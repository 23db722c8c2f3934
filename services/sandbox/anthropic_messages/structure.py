"""Which JSON schemas Anthropic takes for a structured answer, after its guide "Structured outputs"."""

from collections.abc import Iterator, Mapping
from typing import Any

_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_BOUNDS: Mapping[str, frozenset[str]] = {
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "string": frozenset({"minLength", "maxLength"}),
    "array": frozenset({"maxItems", "uniqueItems"}),
    "object": frozenset({"minProperties", "maxProperties"}),
}


def unsupported(schema: Any) -> str | None:
    """What is wrong with a schema: every object has to be closed, and almost nothing may be bounded."""
    return next((found for part in _parts(schema) if (found := _wrong(part)) is not None), None)


def _wrong(schema: Mapping[str, Any]) -> str | None:
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if bounds := sorted(_BOUNDS.get(str(kind), frozenset()) & schema.keys()):
        return f"For '{kind}' type, properties {', '.join(bounds)} are not supported"
    if kind == "array" and schema.get("minItems", 0) > 1:
        return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    return None


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all schemas within it."""
    if isinstance(schema, list):
        for item in schema:
            yield from _parts(item)
    if not isinstance(schema, Mapping):
        return
    yield schema
    for name, inner in schema.items():
        if name in ("properties", "$defs", "definitions") and isinstance(inner, Mapping):
            for part in inner.values():
                yield from _parts(part)
        elif name in ("items", "anyOf", "allOf", "prefixItems"):
            yield from _parts(inner)
