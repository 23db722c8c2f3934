"""Values that fit a JSON schema, for tool arguments and structured answers.

Understood (JSON Schema 2020-12, and OpenAPI's older boolean exclusive bounds): type, properties, required,
additionalProperties, minProperties, enum, const, items, prefixItems, minItems, maxItems, uniqueItems, anyOf, oneOf (as
anyOf), allOf, $ref into the same schema, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength,
maxLength and the usual formats. Not understood, and so not honoured: pattern, not, if/then/else, contains, dependent*.
"""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from services.sandbox import scalars
from services.sandbox.scalars import UnsatisfiableSchema

JsonValue: TypeAlias = Any
Schema: TypeAlias = Mapping[str, Any] | bool

_GENEROUS_DEPTH = 3
"""Down to here optional properties and sample items are filled in; below, only what has to be there."""
_GREATEST_DEPTH = 32
_SAMPLE_ITEMS = 2
_UNIQUE_ATTEMPTS = 64
_SIMPLEST_FIRST = ("null", "boolean", "integer", "number", "string", "array", "object")
_TELLTALES: tuple[tuple[str, frozenset[str]], ...] = (
    ("object", frozenset({"properties", "required", "additionalProperties", "minProperties"})),
    ("array", frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"})),
    ("number", frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})),
)
"""Keywords that give away the type of a schema which does not name it."""


def sample(schema: Schema, number: int) -> JsonValue:
    """A value that fits `schema`, the same for the same number.

    Raises UnsatisfiableSchema when the schema contradicts itself, has no finite value or is no schema at all.
    """
    try:
        return _Sampler(schema, number).value(schema, 0)
    except UnsatisfiableSchema:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A keyword with an operand of the wrong type surfaces as whatever Python makes of it.
        raise UnsatisfiableSchema(f"this is no JSON schema: {error}") from error


class _Sampler:
    """One walk through one schema; `depth` counts the levels of nesting above a value."""

    def __init__(self, root: Schema, number: int) -> None:
        self._root = root
        self._random = random.Random(number)

    def value(self, schema: Schema, depth: int) -> JsonValue:
        plain = self._flatten(schema, depth, 0)
        if "const" in plain:
            return plain["const"]
        if "enum" in plain:
            return self._random.choice(plain["enum"])
        kind = self._type(plain, depth)
        if kind == "object":
            return self._object(plain, depth)
        if kind == "array":
            return self._array(plain, depth)
        if kind in ("integer", "number"):
            return scalars.number(plain, self._random, whole=kind == "integer")
        if kind == "string":
            return scalars.string(plain, self._random)
        return self._random.random() < 0.5 if kind == "boolean" else None

    def _flatten(self, schema: Schema, depth: int, hops: int) -> Mapping[str, Any]:
        """References followed and one branch of each choice merged in, until only plain keywords are left."""
        if max(depth, hops) > _GREATEST_DEPTH:
            raise UnsatisfiableSchema("the schema nests without end")
        if isinstance(schema, bool):
            if schema:
                return {"type": "string"}
            raise UnsatisfiableSchema("the schema `false` allows no value")
        for keyword in ("$ref", "allOf", "anyOf", "oneOf"):
            if keyword in schema:
                rest: Mapping[str, Any] = {key: value for key, value in schema.items() if key != keyword}
                for part in self._parts(keyword, schema[keyword], depth):
                    rest = _merge(rest, self._flatten(part, depth, hops + 1))
                return self._flatten(rest, depth, hops + 1)
        return schema

    def _parts(self, keyword: str, operand: Any, depth: int) -> Sequence[Schema]:
        """The schemas that a value has to fit because of one combining keyword."""
        if keyword == "$ref":
            return (self._resolve(operand),)
        if keyword == "allOf":
            return tuple(operand)
        return (self._branch(operand, depth),)

    def _branch(self, branches: Sequence[Schema], depth: int) -> Schema:
        """The first branch that says something, as a model would; deep down the shallowest, so that recursion ends."""
        if depth > _GENEROUS_DEPTH:
            return min(branches, key=self._height)
        finite = [branch for branch in branches if math.isfinite(self._height(branch))]
        telling = [branch for branch in finite if not (isinstance(branch, Mapping) and branch.get("type") == "null")]
        return (telling or finite or list(branches))[0]

    def _height(self, schema: Schema, seen: frozenset[str] = frozenset()) -> float:
        """Levels of nesting the smallest fitting value needs; infinite for a schema that has to contain itself."""
        if isinstance(schema, bool):
            return 0 if schema else math.inf
        if "const" in schema or "enum" in schema or _is_scalar_union(schema.get("type")):
            return 0
        heights: list[float] = [self._height(part, seen) for part in schema.get("allOf", ())]
        if "$ref" in schema:
            name = schema["$ref"]
            heights.append(math.inf if name in seen else self._height(self._resolve(name), seen | {name}))
        heights += [
            min((self._height(branch, seen) for branch in schema[keyword]), default=math.inf)
            for keyword in ("anyOf", "oneOf")
            if keyword in schema
        ]
        properties, additional = schema.get("properties", {}), schema.get("additionalProperties", True)
        heights += [1 + self._height(properties.get(name, additional), seen) for name in schema.get("required", ())]
        if schema.get("minItems", 0) > len(schema.get("prefixItems", ())):
            heights.append(1 + self._height(schema.get("items", True), seen))
        return max(heights, default=0)

    def _resolve(self, reference: str) -> Schema:
        if not reference.startswith("#"):
            raise UnsatisfiableSchema(f"$ref {reference!r} leads out of the schema; allowed is #/...")
        node: Any = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or name not in node:
                raise UnsatisfiableSchema(f"$ref {reference!r} leads nowhere")
            node = node[name]
        return node if isinstance(node, bool) else dict(node)

    def _type(self, schema: Mapping[str, Any], depth: int) -> str:
        declared = schema.get("type")
        if isinstance(declared, str):
            return declared
        if declared:
            telling = [kind for kind in declared if kind != "null"] if depth <= _GENEROUS_DEPTH else []
            return str(telling[0]) if telling else min(declared, key=_SIMPLEST_FIRST.index)
        return next((kind for kind, keywords in _TELLTALES if keywords & schema.keys()), "string")

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, JsonValue]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        required: Sequence[str] = schema.get("required", ())
        additional: Schema = schema.get("additionalProperties", True)
        result: dict[str, JsonValue] = {}
        for name, inner in properties.items():
            if name in required or (depth < _GENEROUS_DEPTH and math.isfinite(self._height(inner))):
                result[name] = self.value(inner, depth + 1)
        for name in required:
            if name not in result:
                result[name] = self.value(additional, depth + 1)
        while len(result) < schema.get("minProperties", 0):
            spare = next((name for name in properties if name not in result), f"key_{len(result)}")
            result[spare] = self.value(properties.get(spare, additional), depth + 1)
        return result

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[JsonValue]:
        prefix: Sequence[Schema] = schema.get("prefixItems", ())
        items: Schema = schema.get("items", True)
        least: int = schema.get("minItems", 0)
        endless = not math.isfinite(self._height(items))
        wanted = 0 if depth >= _GENEROUS_DEPTH else len(prefix) if endless else max(_SAMPLE_ITEMS, len(prefix))
        wanted = max(least, min(wanted, schema.get("maxItems", wanted)))
        result: list[JsonValue] = []
        for _ in range(wanted + _UNIQUE_ATTEMPTS):
            if len(result) == wanted:
                return result
            position = len(result)
            item = self.value(prefix[position] if position < len(prefix) else items, depth + 1)
            if not (schema.get("uniqueItems") and item in result):
                result.append(item)
        if len(result) < least:
            raise UnsatisfiableSchema(f"fewer than minItems {least} different items were found")
        return result


def _is_scalar_union(declared: Any) -> bool:
    return isinstance(declared, list) and bool(set(declared) - {"array", "object"})


def _merge(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of both schemas; where both set one, the value that satisfies both, or else the right one."""
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        shared = left["properties"].keys() & right["properties"].keys()
        both = {name: {"allOf": [left["properties"][name], right["properties"][name]]} for name in shared}
        merged["properties"] = {**left["properties"], **right["properties"], **both}
    if "required" in left and "required" in right:
        merged["required"] = list(dict.fromkeys([*left["required"], *right["required"]]))
    for keyword in left.keys() & right.keys():
        if keyword.startswith(("min", "exclusiveMin")):
            merged[keyword] = max(left[keyword], right[keyword])
        elif keyword.startswith(("max", "exclusiveMax")):
            merged[keyword] = min(left[keyword], right[keyword])
        elif keyword == "enum":
            merged[keyword] = [value for value in left[keyword] if value in right[keyword]]
    return merged
