"""Which models a caller wants listed, and where in their order a page begins. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.catalog.v1.catalog_service_pb2 import ListModelsRequest
from pantheon.catalog.v1.model_pb2 import (
    CAPABILITY_UNSPECIFIED,
    MODEL_ORDER_COMPLETION_PRICE,
    MODEL_ORDER_CONTEXT_WINDOW,
    MODEL_ORDER_PROMPT_PRICE,
    MODEL_ORDER_RELEASE_TIME,
    MODEL_ORDER_UNSPECIFIED,
    Capability,
    ModelOrder,
)
from services.catalog import price_fields
from services.catalog.fields import storable
from services.rating import PRICES_ALLOWED, PriceUnit
from services.runtime import money
from services.runtime.errors import InvalidField, InvalidPageToken
from services.runtime.paging import decode_token, encode_token

UNIT_OF_ORDER: Mapping[int, PriceUnit] = {
    MODEL_ORDER_PROMPT_PRICE: PriceUnit.PROMPT_TOKEN,
    MODEL_ORDER_COMPLETION_PRICE: PriceUnit.COMPLETION_TOKEN,
}
"""The unit whose price an order is by."""

_LARGEST_FIRST = frozenset({MODEL_ORDER_CONTEXT_WINDOW, MODEL_ORDER_RELEASE_TIME})
_MOST_TOKENS = 2**63 - 1
_MOST_DIGITS = 100
"""Before and after the point, of any price; see `services.rating.money`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuery:
    """The filters and the order of a ListModelsRequest, checked. Empty, False and None mean all."""

    organisation_id: str
    # Prices and deprecations are those of this moment.
    now: datetime
    provider: str = ""
    available_only: bool = False
    search: str = ""
    capabilities: tuple[int, ...] = ()
    min_context_window: int = 0
    # USD per million tokens, by unit.
    max_prices: dict[PriceUnit, Decimal] = field(default_factory=dict)
    current_only: bool = False
    order: int = MODEL_ORDER_UNSPECIFIED
    reverse: bool = False

    @property
    def descending(self) -> bool:
        """Whether what comes first has the largest value; ids rise all the same where values are equal."""
        return (self.order in _LARGEST_FIRST) != self.reverse

    @property
    def identity(self) -> tuple[object, ...]:
        """What must not change from one page to the next."""
        filters = (self.provider, self.available_only, self.search, self.capabilities, self.min_context_window)
        prices = tuple(sorted((int(unit), str(most)) for unit, most in self.max_prices.items()))
        return ("ListModels", *filters, prices, self.current_only, self.order, self.reverse)


@dataclass(frozen=True, slots=True)
class Position:
    """A row in the order of a query: its value (None: unknown, so at the end; or the order is by id) and its id."""

    value: Any
    model_id: str


def model_query(request: ListModelsRequest, organisation_id: str, now: datetime) -> ModelQuery:
    """What a request asks for.

    Raises:
        InvalidField: a capability or order that does not exist, one that comes twice, a negative window or price, or
            text that the database has not.
    """
    if request.order not in ModelOrder.values():
        raise InvalidField("order", request.order, f"one of {', '.join(ModelOrder.keys())}")
    if request.min_context_window < 0:
        raise InvalidField("min_context_window", request.min_context_window, "0 or more")
    prices: dict[PriceUnit, Decimal] = {}
    if request.HasField("max_prompt_price"):
        prices[PriceUnit.PROMPT_TOKEN] = _price("max_prompt_price", request.max_prompt_price)
    if request.HasField("max_completion_price"):
        prices[PriceUnit.COMPLETION_TOKEN] = _price("max_completion_price", request.max_completion_price)
    return ModelQuery(
        organisation_id=organisation_id,
        now=now,
        provider=storable("provider", request.provider),
        available_only=request.available_only,
        search=storable("search", request.search),
        capabilities=_capabilities(list(request.capabilities)),
        min_context_window=request.min_context_window,
        max_prices=prices,
        current_only=request.current_only,
        order=request.order,
        reverse=request.reverse,
    )


def position_of(token: str, query: ModelQuery) -> Position | None:
    """The row that a page token says to go on after; None for an empty one: from the first.

    Raises:
        InvalidPageToken: it was not given out for this query.
        InvalidField: its id is text that the database has not.
    """
    after = decode_token(token, query.identity, 2)
    if after is None:
        return None
    value, model_id = after
    read = _READ.get(query.order)
    try:
        return Position(read(value) if read and value else None, storable("page_token", model_id))
    except (ValueError, ArithmeticError):
        raise InvalidPageToken from None


def token_of(position: Position, query: ModelQuery) -> str:
    """The token for the page after a row."""
    return encode_token(query.identity, "" if position.value is None else str(position.value), position.model_id)


def _capabilities(asked: list[int]) -> tuple[int, ...]:
    for capability in asked:
        if capability == CAPABILITY_UNSPECIFIED or capability not in Capability.values():
            names = ", ".join(name for name, number in Capability.items() if number)
            raise InvalidField("capabilities", capability, f"one of {names}")
        if asked.count(capability) > 1:
            raise InvalidField("capabilities", Capability.Name(Capability.ValueType(capability)), "each at most once")
    return tuple(sorted(asked))


def _price(name: str, given: ProtoDecimal) -> Decimal:
    return price_fields.price(name, given, f"{PRICES_ALLOWED}, USD per million tokens")


# A token comes back from outside: what the database could not compare with is none that was given out.


def _read_price(text: str) -> Decimal:
    price = money.parse(text)
    if abs(price.adjusted()) > _MOST_DIGITS:
        raise ValueError(text)
    return price


def _read_tokens(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _MOST_TOKENS:
        raise ValueError(text)
    return int(text)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


_READ: dict[int, Callable[[str], Any]] = {
    MODEL_ORDER_PROMPT_PRICE: _read_price,
    MODEL_ORDER_COMPLETION_PRICE: _read_price,
    MODEL_ORDER_CONTEXT_WINDOW: _read_tokens,
    MODEL_ORDER_RELEASE_TIME: _read_moment,
}
