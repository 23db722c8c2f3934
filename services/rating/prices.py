"""Dated prices, as plain values: the messages of pantheon/catalog/v1/price.proto."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

from services.rating.money import check_per, check_price

SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class PriceUnit(IntEnum):
    """What can be charged for; names and numbers are those of `pantheon.catalog.v1.PriceUnit`."""

    PROMPT_TOKEN = 1
    CACHED_TOKEN = 2
    CACHE_WRITE_TOKEN = 3
    PROMPT_AUDIO_TOKEN = 4
    CACHED_AUDIO_TOKEN = 5
    COMPLETION_TOKEN = 6
    REASONING_TOKEN = 7
    COMPLETION_AUDIO_TOKEN = 8
    REQUEST = 9
    PROMPT_IMAGE = 10
    CACHE_WRITE_1H_TOKEN = 11
    PROMPT_IMAGE_TOKEN = 12
    CACHED_IMAGE_TOKEN = 13
    PROMPT_VIDEO_TOKEN = 14
    COMPLETION_IMAGE_TOKEN = 15
    WEB_SEARCH = 16


@dataclass(frozen=True, slots=True)
class PriceTier:
    """A price that holds for requests with more than `above_prompt_tokens` prompt tokens."""

    above_prompt_tokens: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """USD per `per` units. Price 0 is free; free is a price.

    Raises ValueError for a price that is negative, not finite or absurdly long, for a `per` that is no power of ten,
    and for tiers that do not rise.
    """

    unit: PriceUnit
    price: Decimal
    per: int
    tiers: tuple[PriceTier, ...] = ()

    def __post_init__(self) -> None:
        check_price(f"price of {self.unit.name}", self.price)
        check_per(f"per of {self.unit.name}", self.per)
        above = -1
        for tier in self.tiers:
            check_price(f"tier price of {self.unit.name}", tier.price)
            if tier.above_prompt_tokens <= above:
                raise ValueError(f"tiers of {self.unit.name}: {tier.above_prompt_tokens} does not rise above {above}")
            above = tier.above_prompt_tokens

    def at(self, prompt_tokens: int) -> Decimal:
        """The price for a request of so many prompt tokens.

        It holds for all units of the request, not only for those above the threshold (the field's usual tariff:
        OpenAI, Anthropic and Google charge so).
        """
        price = self.price
        for tier in self.tiers:
            if prompt_tokens > tier.above_prompt_tokens:
                price = tier.price
        return price


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """What an endpoint charges from `effective` on, until a later version takes over.

    Raises ValueError where a unit is priced twice or a time has no zone.
    """

    # UUID; ledger rows name it.
    id: str
    # Inclusive; SINCE_EVER where no beginning is known.
    effective: datetime
    # When it was learnt, which may be later than it holds from.
    recorded: datetime
    unit_prices: tuple[UnitPrice, ...]
    # "genai-prices 0.2.3", "openrouter", "contract 17".
    source: str

    def __post_init__(self) -> None:
        units = [entry.unit for entry in self.unit_prices]
        if len(set(units)) != len(units):
            raise ValueError(f"unit_prices of {self.id}: {', '.join(unit.name for unit in units)} names a unit twice")
        for field, moment in (("effective", self.effective), ("recorded", self.recorded)):
            if moment.tzinfo is None:
                raise ValueError(f"{field} of {self.id}: {moment.isoformat()} has no time zone")


def price_at(versions: Iterable[PriceVersion], when: datetime) -> PriceVersion | None:
    """The version that rates what started at `when`; None where none holds yet.

    That is the one with the latest `effective` at or before `when`. Of several from the same moment on (a price that
    was corrected) the one recorded last holds. The order of `versions` does not matter.
    """
    held = [version for version in versions if version.effective <= when]
    return max(held, key=lambda version: (version.effective, version.recorded), default=None)
