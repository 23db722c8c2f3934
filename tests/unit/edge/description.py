"""The edge's OpenAPI document as a value, and what it says of a request or an answer.

There is no YAML reader among the dependencies but the one in `buf`, and no validator of JSON Schema: what the document
uses of the latter is judged here, and a keyword that is not known is an error.
"""

import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.edge.rest.openapi import DOCUMENT

METHODS = frozenset(("get", "put", "post", "delete", "patch"))

_CONTRACT = """syntax = "proto3";
import "google/protobuf/struct.proto";
message Holder { google.protobuf.Struct value = 1; }
"""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}
_ANNOTATIONS = frozenset(("description", "example", "readOnly", "writeOnly", "unevaluatedProperties"))


@functools.cache
def document() -> dict[str, Any]:
    """The document, read by another program than ours."""
    buf = Path(sys.executable).with_name("buf")
    target = ["--type", "google.protobuf.Struct", "--from", f"{DOCUMENT}#format=yaml", "--to", "-#format=json"]
    with tempfile.NamedTemporaryFile("w", suffix=".proto") as contract:
        contract.write(_CONTRACT)
        contract.flush()
        run = subprocess.run([buf, "convert", contract.name, *target], capture_output=True, check=False, timeout=30)
    assert run.returncode == 0, run.stderr.decode()
    read: dict[str, Any] = json.loads(run.stdout)
    return read


def resolved(node: Mapping[str, Any]) -> dict[str, Any]:
    """The node, or what it refers to; what stands beside a reference is added to it."""
    if "$ref" not in node:
        return dict(node)
    found: Any = document()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**resolved(found), **{name: value for name, value in node.items() if name != "$ref"}}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path. `says` is its part of the document."""

    method: str
    path: str
    says: Mapping[str, Any]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Its own and those of its path."""
        shared = document()["paths"][self.path].get("parameters", [])
        return [resolved(parameter) for parameter in (*shared, *self.says.get("parameters", []))]

    @property
    def body(self) -> dict[str, Any] | None:
        """The media type object of its request, if it takes one."""
        if "requestBody" not in self.says:
            return None
        content: dict[str, Any] = resolved(self.says["requestBody"])["content"]["application/json"]
        return content

    def answer(self, status: int) -> dict[str, Any]:
        """The response object of a status."""
        responses = self.says["responses"]
        return resolved(responses[str(status) if str(status) in responses else "default"])


def operations() -> list[Operation]:
    """All there are."""
    return [
        Operation(method.upper(), path, says)
        for path, item in document()["paths"].items()
        for method, says in item.items()
        if method in METHODS
    ]


def operation_at(method: str, path: str) -> Operation | None:
    """The one that serves a path, the most literal one first; None where none is described."""
    served = [operation for operation in operations() if operation.method == method]
    for operation in sorted(served, key=lambda one: -len(re.sub(r"\{\w+\}", "", one.path))):
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(operation.path)), path):
            return operation
    return None


def faults(value: Any, schema: Mapping[str, Any], path: str = "$") -> Iterator[str]:
    """What a value has that its schema does not allow."""
    if "$ref" in schema:
        yield from _faults_of_extended(value, schema, path)
        return
    for keyword, wanted in schema.items():
        if keyword not in _ANNOTATIONS:
            yield from _KEYWORDS[keyword](value, wanted, schema, path)


def _faults_of_extended(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    beside = {name: wanted for name, wanted in schema.items() if name != "$ref"}
    base = resolved({"$ref": schema["$ref"]})
    yield from faults(value, base, path)
    yield from faults(value, beside, path)
    if schema.get("unevaluatedProperties") is False and isinstance(value, dict):
        known = {*base.get("properties", {}), *beside.get("properties", {})}
        yield from (f"{path}.{name}: not described" for name in value if name not in known)


def _type(value: Any, wanted: str | list[str], schema: Any, path: str) -> Iterator[str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(isinstance(value, _TYPES[name]) and (name == "boolean" or value is not True) for name in names):
        yield f"{path}: {value!r} is no {' or '.join(names)}"


def _enum(value: Any, wanted: list[Any], schema: Any, path: str) -> Iterator[str]:
    if value not in wanted:
        yield f"{path}: {value!r} is none of {wanted}"


def _const(value: Any, wanted: Any, schema: Any, path: str) -> Iterator[str]:
    yield from _enum(value, [wanted], schema, path)


def _required(value: Any, wanted: list[str], schema: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path}.{name}: missing" for name in wanted if name not in value)


def _properties(value: Any, wanted: Mapping[str, Any], schema: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name in wanted:
                yield from faults(member, wanted[name], f"{path}.{name}")


def _additional(value: Any, wanted: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in schema.get("properties", {}):
                if wanted is False:
                    yield f"{path}.{name}: not described"
                else:
                    yield from faults(member, wanted, f"{path}.{name}")


def _names(value: Any, wanted: Mapping[str, Any], schema: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value:
            yield from faults(name, wanted, f"{path}.{name}")


def _items(value: Any, wanted: Mapping[str, Any], schema: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, element in enumerate(value):
            yield from faults(element, wanted, f"{path}[{index}]")


def _any_of(value: Any, wanted: list[Mapping[str, Any]], schema: Any, path: str) -> Iterator[str]:
    found = [list(faults(value, one, path)) for one in wanted]
    if all(found):
        yield f"{path}: none of {len(wanted)} schemas: {found}"


def _bounds(value: Any, wanted: float, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: {value} is out of range"


def _lengths(value: Any, wanted: int, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{path}: {len(value)} characters"


def _pattern(value: Any, wanted: str, schema: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{path}: {value!r} does not match {wanted}"


def _format(value: Any, wanted: str, schema: Any, path: str) -> Iterator[str]:
    if wanted == "date-time" and isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            yield f"{path}: {value!r} is no time"


_KEYWORDS = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "items": _items,
    "anyOf": _any_of,
    "minimum": _bounds,
    "maximum": _bounds,
    "minLength": _lengths,
    "maxLength": _lengths,
    "pattern": _pattern,
    "format": _format,
}
