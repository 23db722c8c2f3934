"""Tuning parameters as JSON, both ways: those that are set. Pure."""

from typing import Any

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from services.edge.rest.members import Members
from services.parameters import RANGES


def parameters_body(parameters: ModelParameters) -> dict[str, float | int]:
    """Those that are set."""
    return {field.name: value for field, value in parameters.ListFields()}


def given_parameters(body: Members, name: str) -> ModelParameters:
    """What the member `name` of a body sets.

    Raises:
        InvalidField: a parameter is unknown or of the wrong type.
    """
    parameters = body.object(name)
    parameters.only(RANGES)
    values: dict[str, Any] = {
        parameter: parameters.whole_number(parameter) if taken.integer else parameters.number(parameter)
        for parameter, taken in RANGES.items()
    }
    return ModelParameters(**values)


def parameter_paths(body: Members, name: str) -> list[str]:
    """The paths of an update mask that write what the member names: null clears all, an object what it has in it."""
    if body.is_null(name):
        return [name]
    parameters = body.object(name)
    return [f"{name}.{parameter}" for parameter in RANGES if parameter in parameters]
