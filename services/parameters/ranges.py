"""The ranges and defaults of the message pantheon.catalog.v1.ModelParameters, whose field names are used here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from services.runtime.errors import InvalidField


@dataclass(frozen=True, slots=True)
class Range:
    """The values a parameter may have, both ends included, and the one the platform shows as its default."""

    minimum: float
    maximum: float
    default: float
    integer: bool = False

    @property
    def allowed(self) -> str:
        """For people: "0 to 2"."""
        kind = ", a whole number" if self.integer else ""
        return f"{self.minimum} to {self.maximum}{kind}"

    def holds(self, value: object) -> bool:
        """Whether the value is a number of the right kind and in range. NaN never is, nor is a bool."""
        kinds = int if self.integer else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        return self.minimum <= value <= self.maximum


_EXACT = 2**53

RANGES: Mapping[str, Range] = MappingProxyType(
    {
        "temperature": Range(0, 2, 0.7),
        # Of a model whose own maximum is unknown: what fits the 32-bit integers of providers.
        "max_tokens": Range(1, 2**31 - 1, 2000, integer=True),
        "top_p": Range(0, 1, 1.0),
        "frequency_penalty": Range(-2, 2, 0.0),
        "presence_penalty": Range(-2, 2, 0.0),
    }
)


@dataclass(frozen=True, slots=True)
class Spec:
    """What a model takes for one parameter; the fields of pantheon.catalog.v1.ParameterSpec."""

    name: str
    supported: bool
    minimum: float
    maximum: float
    default_value: float
    integer: bool


def specs(
    most_tokens: int | None = None,
    unsupported: Collection[str] = (),
    defaults: Mapping[str, float | None] | None = None,
) -> list[Spec]:
    """What a model takes, one entry a parameter.

    `most_tokens` is its maximum (None: unknown), `unsupported` names what it does not take, `defaults` are its own.
    """
    found = []
    for name, allowed in RANGES.items():
        most = most_tokens if name == "max_tokens" and most_tokens is not None else allowed.maximum
        own = (defaults or {}).get(name)
        default = min(allowed.default, most) if own is None else own
        found.append(Spec(name, name not in unsupported, allowed.minimum, most, default, allowed.integer))
    return found


def check_parameters(values: Mapping[str, object], *, most_tokens: int | None = None, path: str = "") -> None:
    """Lets parameters pass that are in range, and raises at the first that is not; nothing is ever clamped.

    A value of None is one that is not set. `most_tokens` is the model's maximum, None where it is unknown; `path`
    stands before the names in errors ("model_parameters").

    Raises:
        InvalidField: a value is out of its range or not a number of its kind, or a name is not one of a parameter.
    """
    for name, value in values.items():
        allowed = RANGES.get(name)
        if allowed is None:
            raise InvalidField(path or "parameters", name, f"one of {', '.join(RANGES)}")
        if value is None:
            continue
        if name == "max_tokens" and most_tokens is not None:
            allowed = replace(allowed, maximum=most_tokens)
        if not allowed.holds(value):
            raise InvalidField(f"{path}.{name}" if path else name, _shown(value, allowed), allowed.allowed)


def _shown(value: object, allowed: Range) -> object:
    """As people write it: messages carry 3 as 3.0, which only where whole numbers are asked for is another thing."""
    if isinstance(value, float) and not allowed.integer and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
