import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.scalars import UnsatisfiableSchema
from services.sandbox.schema import sample


class Node(pydantic.BaseModel):
    name: str
    weight: float = pydantic.Field(gt=0, lt=1)
    kind: "tuple[int, str] | None"
    parent: "Node | None" = None
    tags: set[str] = pydantic.Field(min_length=2)
    scores: dict[str, int] = pydantic.Field(min_length=1)


NUMBERS = st.integers(min_value=0, max_value=2**64 - 1)


def fits(value: Any, schema: Any, root: Any) -> bool:
    """Whether a value is valid, for the keywords the strategy below makes."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema:
        return any(fits(value, branch, root) for branch in schema["anyOf"])
    if "allOf" in schema:
        return all(fits(value, part, root) for part in schema["allOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    return {
        "object": fits_object,
        "array": fits_array,
        "string": fits_string,
        "integer": fits_integer,
        "number": fits_number,
        "boolean": lambda value, *_: isinstance(value, bool),
        "null": lambda value, *_: value is None,
    }[schema["type"]](value, schema, root)


def fits_object(value: Any, schema: Mapping[str, Any], root: Any) -> bool:
    properties = schema.get("properties", {})
    return (
        isinstance(value, dict)
        and set(schema.get("required", ())) <= value.keys()
        and (schema.get("additionalProperties", True) or value.keys() <= properties.keys())
        and all(fits(item, properties.get(name, True), root) for name, item in value.items())
    )


def fits_array(value: Any, schema: Mapping[str, Any], root: Any) -> bool:
    return (
        isinstance(value, list)
        and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf)
        and not (schema.get("uniqueItems") and any(item in value[:place] for place, item in enumerate(value)))
        and all(fits(item, schema.get("items", True), root) for item in value)
    )


def fits_string(value: Any, schema: Mapping[str, Any], _: Any) -> bool:
    return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)


def fits_integer(value: Any, schema: Mapping[str, Any], root: Any) -> bool:
    return isinstance(value, int) and fits_number(value, schema, root)


def fits_number(value: Any, schema: Mapping[str, Any], _: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
        and value % schema.get("multipleOf", value or 1) == 0
    )


@st.composite
def numeric(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.integers(min_value=-1000, max_value=1000))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = low + draw(st.integers(14, 1000))
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.integers(min_value=1, max_value=7))
    return schema


@st.composite
def textual(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    least = draw(st.integers(min_value=0, max_value=60))
    if draw(st.booleans()):
        schema["minLength"] = least
    if draw(st.booleans()):
        schema["maxLength"] = least + draw(st.integers(min_value=0, max_value=60))
    return schema


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    additional = draw(st.booleans())
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": additional}


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(inner)}
    least = draw(st.integers(min_value=0, max_value=4))
    if draw(st.booleans()):
        schema["minItems"] = least
    if draw(st.booleans()):
        schema["maxItems"] = least + draw(st.integers(min_value=0, max_value=3))
    return schema


LITERALS = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5)
LEAVES = (
    numeric()
    | textual()
    | st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"$ref": "#/$defs/leaf"}, {"$ref": "#/$defs/tree"}])
    | st.builds(lambda value: {"const": value}, LITERALS)
    | st.builds(lambda values: {"enum": values}, st.lists(LITERALS, min_size=1, max_size=4))
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: objects(inner) | arrays(inner) | st.builds(dict, anyOf=st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)
DEFINITIONS = {
    "leaf": {"type": "string", "maxLength": 12},
    "tree": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        },
        "required": ["name", "next", "children"],
        "additionalProperties": False,
    },
}


@given(SCHEMAS, NUMBERS)
def test_a_sample_fits_its_schema_and_survives_json(schema: dict[str, Any], number: int) -> None:
    root = {**schema, "$defs": DEFINITIONS}

    value = msgspec.json.decode(msgspec.json.encode(sample(root, number)))

    assert fits(value, schema, root), value


@given(NUMBERS)
def test_the_same_number_gives_the_same_sample(number: int) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "string"}}}

    assert sample(schema, number) == sample(schema, number)


def test_optional_properties_are_filled_in_near_the_top() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}

    assert sample(schema, 1).keys() == {"a", "b"}


@given(NUMBERS)
def test_what_pydantic_asks_for_pydantic_accepts(number: int) -> None:
    Node.model_validate(sample(Node.model_json_schema(), number))


@pytest.mark.parametrize(
    ("schema", "expected"),
    (
        ({"enum": ["only"]}, "only"),
        ({"const": {"a": 1}}, {"a": 1}),
        ({"type": ["null", "integer"], "minimum": 7, "maximum": 7}, 7),
        ({"minimum": 5, "maximum": 5}, 5),
        ({"type": "integer", "minimum": 2.5, "exclusiveMaximum": 4}, 3),
        ({"type": "integer", "multipleOf": 2.5, "minimum": 4, "maximum": 9}, 5),
        ({"type": "number", "multipleOf": 0.1, "minimum": 0.25, "maximum": 0.35}, 0.3),
        ({"type": "integer", "minimum": 3, "maximum": 4, "exclusiveMinimum": True}, 4),
        ({"type": "integer", "maximum": -150, "minimum": -150}, -150),
        ({"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 3, "maximum": 3}]}, 3),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False}, [1, 2]),
        ({"type": "string", "format": "date"}, "2026-03-14"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": "there"}}}, "there"),
    ),
)
def test_narrow_schemas_leave_one_value(schema: dict[str, Any], expected: object) -> None:
    assert sample(schema, 12345) == expected


@pytest.mark.parametrize(
    "schema",
    (
        {"$ref": "#"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "https://example.com/schema"},
        {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]},
        {"type": "integer", "minimum": 1, "maximum": 0},
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True},
        {"anyOf": []},
        {"enum": []},
        {"type": "object", "properties": 5},
        {"type": "object", "required": ["a"], "additionalProperties": False},
    ),
)
def test_a_schema_that_nothing_fits_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(UnsatisfiableSchema):
        sample(schema, 1)
