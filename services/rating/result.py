"""What a request comes to, and why."""

from dataclasses import dataclass
from decimal import Decimal

from services.rating.money import EXACT
from services.rating.prices import PriceUnit


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of a unit after its tier is chosen."""

    unit: PriceUnit
    # USD per `per` units.
    price: Decimal
    per: int
    # USD per unit: price / per, exact.
    each: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill: quantity x price / per = amount, exact."""

    unit: PriceUnit
    quantity: int
    price: Decimal
    per: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Rating:
    """A cost and what it is made of."""

    price_version_id: str
    # USD, exact, unrounded; `+` rounds to 28 digits, so sums want EXACT.add. Trailing zeros mean nothing.
    amount: Decimal
    # What was charged at which rate, in no particular order; nothing is charged for a quantity of 0.
    charges: tuple[tuple[Rate, int], ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The bill, in the order of PriceUnit. Its amounts add up to `amount`; the hot path never asks for it."""
        return tuple(
            Line(rate.unit, quantity, rate.price, rate.per, EXACT.multiply(rate.each, quantity))
            for rate, quantity in sorted(self.charges, key=_unit)
        )


def _unit(charge: tuple[Rate, int]) -> PriceUnit:
    return charge[0].unit
