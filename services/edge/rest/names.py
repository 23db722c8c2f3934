"""The values of the contract's enums by the names they have in JSON: "prompt_token" for PRICE_UNIT_PROMPT_TOKEN."""

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from pantheon.catalog.v1.model_pb2 import Capability, Modality, ModelOrder
from pantheon.catalog.v1.price_pb2 import PriceUnit
from pantheon.catalog.v1.provider_key_pb2 import ProviderKeySource, ProviderKeyStatus
from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from pantheon.catalog.v1.sync_pb2 import DifferenceKind
from pantheon.catalog.v1.use_case_pb2 import ChoiceLevel, UseCase
from pantheon.router.v1.model_test_pb2 import CheckOutcome
from services.runtime.errors import InvalidField

Value = TypeVar("Value", bound=int)
Value_co = TypeVar("Value_co", covariant=True)


class Enum(Protocol[Value_co]):
    """What the generated enums are."""

    def items(self) -> Sequence[tuple[str, Value_co]]:
        """Names and values, in the order of their declaration."""


class Names(Generic[Value]):
    """One enum, both ways. Its value 0, the unspecified one, has no name."""

    def __init__(self, enum: Enum[Value], separator: str = "_") -> None:
        (unspecified, _), *others = enum.items()
        prefix = unspecified.removesuffix("UNSPECIFIED")
        self._names = {value: name.removeprefix(prefix).lower().replace("_", separator) for name, value in others}
        self._values = {name: value for value, name in self._names.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def of(self, value: Value) -> str | None:
        """A value's name; None where it is unspecified or newer than this."""
        return self._names.get(value)

    def value(self, name: str, field: str) -> Value:
        """The value of a name.

        Raises:
            InvalidField: none has it.
        """
        if name not in self._values:
            raise InvalidField(field, name, f"one of {', '.join(self._values)}")
        return self._values[name]


AUTH_STYLES = Names(AuthStyle)
CAPABILITIES = Names(Capability)
DIFFERENCES = Names(DifferenceKind)
KEY_SOURCES = Names(ProviderKeySource)
KEY_STATUSES = Names(ProviderKeyStatus)
LEVELS = Names(ChoiceLevel)
MODALITIES = Names(Modality)
ORDERS = Names(ModelOrder)
OUTCOMES = Names(CheckOutcome)
PRICE_UNITS = Names(PriceUnit)
USE_CASES = Names(UseCase, "-")
WIRE_FORMATS = Names(WireFormat)
