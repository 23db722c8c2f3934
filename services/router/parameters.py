"""What models take for each of the tuning parameters, as plain values. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from services.parameters import Range, Spec, specs

_KNOWN = 4_096
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a model takes for one parameter. `default`, as JSON, is the model's own or else the platform's.

    Where it is not `supported`, what settings say of it is not sent.
    """

    name: str
    range: Range
    supported: bool
    default: msgspec.Raw


class ChosenParameters(msgspec.Struct, frozen=True, gc=False):
    """Values that somebody has set, for as long as nobody says otherwise; None: not set. There may be 100,000."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


def parameters_of(accepted: Iterable[Spec]) -> tuple[Parameter, ...]:
    """The parameters that these specs describe; the same ones for models that take the same."""
    return tuple(map(_parameter, accepted))


@lru_cache(_KNOWN)
def platform_parameters(most_tokens: int | None) -> tuple[Parameter, ...]:
    """What a model takes of which nothing is known, but perhaps its maximum."""
    return parameters_of(specs(most_tokens))


@lru_cache(_KNOWN)
def _parameter(spec: Spec) -> Parameter:
    default = int(spec.default_value) if spec.integer else spec.default_value
    allowed = Range(_plain(spec.minimum), _plain(spec.maximum), default, spec.integer)
    return Parameter(spec.name, allowed, spec.supported, msgspec.Raw(_encode(default)))


def _plain(value: float) -> float:
    """Whole numbers as such: errors read "0 to 2"."""
    return int(value) if value == int(value) else value
