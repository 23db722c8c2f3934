import math
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from services.parameters import RANGES, check_parameters
from services.runtime.errors import InvalidField

NAMES = st.sampled_from(sorted(RANGES))


def refusal(values: dict[str, Any], **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        check_parameters(values, **options)
    return caught.value.metadata


def test_the_parameters_are_those_of_the_contract() -> None:
    fields = ModelParameters.DESCRIPTOR.fields
    assert [field.name for field in fields] == list(RANGES)
    for field in fields:
        assert RANGES[field.name].integer == (field.type == FieldDescriptor.TYPE_INT64), field.name


def test_every_default_is_allowed() -> None:
    check_parameters({name: allowed.default for name, allowed in RANGES.items()})


@given(NAMES)
def test_both_ends_of_a_range_belong_to_it(name: str) -> None:
    check_parameters({name: RANGES[name].minimum})
    check_parameters({name: RANGES[name].maximum})


@given(NAMES, st.floats(allow_nan=False) | st.integers())
def test_exactly_the_numbers_of_the_range_pass(name: str, value: float) -> None:
    allowed = RANGES[name]
    if allowed.minimum <= value <= allowed.maximum and not (allowed.integer and isinstance(value, float)):
        check_parameters({name: value})
    else:
        told = refusal({name: value})
        assert Decimal(told.pop("value")) == Decimal(str(value)[:200])
        assert told == {"field": name, "allowed": allowed.allowed}


@given(NAMES, st.sampled_from([math.nan, math.inf, -math.inf, True, False, "0.7", "", [], {}, b"1"]))
def test_what_is_no_number_is_refused(name: str, value: object) -> None:
    assert refusal({name: value})["field"] == name


@given(NAMES)
def test_none_is_a_parameter_that_is_not_set(name: str) -> None:
    check_parameters({name: None})


def test_the_refusal_names_field_value_and_range() -> None:
    assert refusal({"temperature": 3}) == {"field": "temperature", "value": "3", "allowed": "0 to 2"}
    assert refusal({"temperature": 3.0})["value"] == "3"
    assert refusal({"max_tokens": 2000.0})["value"] == "2000.0"
    assert refusal({"max_tokens": 0.5}, path="model_parameters") == {
        "field": "model_parameters.max_tokens",
        "value": "0.5",
        "allowed": "1 to 2147483647, a whole number",
    }


@given(st.integers(min_value=1, max_value=2**40), st.integers(min_value=1, max_value=2**40))
def test_the_model_s_maximum_bounds_max_tokens(most: int, asked: int) -> None:
    if asked <= most:
        check_parameters({"max_tokens": asked}, most_tokens=most)
    else:
        allowed = f"1 to {most}, a whole number"
        assert refusal({"max_tokens": asked}, most_tokens=most)["allowed"] == allowed


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    metadata = refusal({"temprature": 1})
    assert metadata["value"] == "temprature"
    assert "temperature, max_tokens, top_p" in metadata["allowed"]
