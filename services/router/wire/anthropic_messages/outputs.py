"""What the answer has to look like: `response_format` as Anthropic's structured outputs.

Format: Claude API docs, "Structured outputs" (`output_config.format`, the JSON schema it takes and what it doesn't).
"""

from typing import Any

import msgspec

from services.router.wire.reading import Member
from services.runtime.errors import InvalidField

JSON_ONLY = "Answer with a single JSON object and nothing else: no text around it and no code fence."
"""In place of a mode for JSON without a schema, which Anthropic's format does not have."""

_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_KEPT = {"type", "enum", "const", "description", "title", "$ref", "default", "required"}
_SCHEMAS = {"properties", "$defs", "definitions"}
_UNSAID = {"additionalProperties", "$schema"}
_VARIANTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}


class OutputFormat(msgspec.Struct, tag="json_schema"):
    """`schema` is a JSON schema within the limits of `constrained`."""

    schema: Any


class _Named(msgspec.Struct):
    schema: dict[str, Any] | None = None


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: _Named | None = None


_format: Member[_ResponseFormat] = Member("response_format", _ResponseFormat)


def output_format(response_format: msgspec.Raw) -> OutputFormat | str | None:
    """The schema to hold the answer to, or what to tell the model in place of one; None for plain text.

    Raises:
        InvalidField: it is of no known type, or has no schema.
    """
    asked = _format.read(response_format)
    if asked.type == "json_schema":
        if asked.json_schema is None or asked.json_schema.schema is None:
            raise InvalidField("response_format.json_schema.schema", "nothing", "a JSON schema")
        return OutputFormat(constrained(asked.json_schema.schema, "response_format.json_schema.schema"))
    if asked.type == "json_object":
        return JSON_ONLY
    if asked.type != "text":
        raise InvalidField("response_format.type", asked.type, "text, json_object or json_schema")
    return None


def constrained(schema: Any, field: str) -> Any:
    """The schema as Anthropic's constrained decoding takes it; `field` is where it stands in the request.

    It wants objects closed, and refuses limits on numbers, lengths and patterns: those are told to the model in the
    description, as Anthropic's own SDKs do.

    Raises:
        InvalidField: it is nested too deeply.
    """
    try:
        return _constrained(schema)
    except RecursionError:
        raise InvalidField(field, "a schema", "one that is nested less deeply") from None


def _constrained(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _SCHEMAS and isinstance(value, dict):
            found[name] = {key: _constrained(member) for key, member in value.items()}
        elif name in _VARIANTS and isinstance(value, list):
            found[_VARIANTS[name]] = [_constrained(variant) for variant in value]
        elif name == "items":
            found[name] = _constrained(value)
        elif _is_taken(name, value):
            found[name] = value
        elif name not in _UNSAID:
            told[name] = value
    if schema.get("type") == "object" or "properties" in schema:
        found["additionalProperties"] = False
    if told:
        limits = msgspec.json.encode(told).decode()
        found["description"] = f"{found['description']}\n\n{limits}" if "description" in found else limits
    return found


def _is_taken(name: str, value: Any) -> bool:
    if name == "format":
        return value in _FORMATS
    return name in _KEPT or (name == "minItems" and value in (0, 1))
