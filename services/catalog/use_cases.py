"""What models are chosen for: names, and whose choice holds. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pantheon.catalog.v1.use_case_pb2 import ChoiceLevel, UseCase
from services.catalog.entities import Choice
from services.runtime.errors import InvalidField

USE_CASES: Mapping[str, UseCase.ValueType] = MappingProxyType(
    {name.removeprefix("USE_CASE_").lower(): number for name, number in UseCase.items() if number}
)
"""By name, in their order."""


Choices = Mapping[str, Choice]
"""By the names of use cases."""


def name_of(field: str, use_case: int) -> str:
    """The name of a use case: "long_context".

    Raises:
        InvalidField: it is none.
    """
    for name, number in USE_CASES.items():
        if number == use_case:
            return name
    allowed = ", ".join(f"{UseCase.Name(number)} ({number})" for number in USE_CASES.values())
    raise InvalidField(field, use_case, f"one of {allowed}")


def given_choices(field: str, given: Iterable[tuple[int, Choice]]) -> dict[str, Choice]:
    """Choices by the names of their use cases; one without a model is none.

    Raises:
        InvalidField: a use case is unknown, or is there twice.
    """
    found: dict[str, Choice] = {}
    for use_case, choice in given:
        name = name_of(field, use_case)
        if name in found:
            raise InvalidField(field, name, "each use case at most once")
        found[name] = choice
    return {name: choice for name, choice in found.items() if choice.model}


@dataclass(frozen=True, slots=True)
class Held:
    """A choice, and who made it."""

    use_case: UseCase.ValueType
    choice: Choice
    level: ChoiceLevel.ValueType


def holding(user: Choices, organisation: Choices, platform: Choices) -> Iterator[Held]:
    """What each use case stands for, in their order: by the user, else the organisation, else the platform."""
    levels = (
        (user, ChoiceLevel.CHOICE_LEVEL_USER),
        (organisation, ChoiceLevel.CHOICE_LEVEL_ORGANISATION),
        (platform, ChoiceLevel.CHOICE_LEVEL_PLATFORM),
    )
    for name, use_case in USE_CASES.items():
        made = ((choices[name], level) for choices, level in levels if name in choices)
        if found := next(made, None):
            yield Held(use_case, *found)


def of_level(choices: Choices, level: ChoiceLevel.ValueType) -> Iterator[Held]:
    """Choices of one and the same, in the order of use cases."""
    return (Held(number, choices[name], level) for name, number in USE_CASES.items() if name in choices)
