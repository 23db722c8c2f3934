"""The edge's OpenAPI document as a value, and what it says of a request or an answer."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

from services.edge.rest.openapi import DOCUMENT

METHODS = frozenset(("get", "put", "post", "delete", "patch"))
STRICT = Draft202012Validator(
    {
        "$id": "urn:schemas-of-openapi",
        "$dynamicAnchor": "meta",
        "$ref": Draft202012Validator.META_SCHEMA["$id"],
        "properties": {"example": True},
        "unevaluatedProperties": False,
    }
)
"""Judges schemas: a keyword that JSON Schema does not know is a fault, too, for it would be ignored."""

FORMATS = FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    """Whether a text is a time of some offset, as RFC 3339 has it."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class _Reader(yaml.CSafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping that has each of its names once; PyYAML itself takes the last."""
        names = [name.value for name, _ in node.value]
        assert len(names) == len(set(names)), f"twice in{node.start_mark}: {sorted(names)}"
        return super().construct_mapping(node, deep)


@functools.cache
def document() -> dict[str, Any]:
    """The document."""
    return read(DOCUMENT.read_text())


def read(text: str) -> dict[str, Any]:
    """A mapping written in YAML."""
    found: dict[str, Any] = yaml.load(text, _Reader)  # noqa: S506 - a safe loader
    return found


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


@functools.cache
def _root() -> Draft202012Validator:
    return Draft202012Validator(document(), format_checker=FORMATS)


def faults(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """What a value has that its schema, a part of the document, does not allow."""
    for error in _root().evolve(schema=schema).iter_errors(value):
        yield f"{error.json_path}: {error.message}"
