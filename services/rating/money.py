"""Exact decimal arithmetic.

Money is never rounded here. All arithmetic of this package goes through `EXACT`, which raises `decimal.Inexact` rather
than drop a digit; and nothing is ever divided: `per` is a power of ten, so a price per single unit is the price with
its decimal point moved.

Why 100 digits are enough: a price has at most 15 digits before and 30 after the point (`check_price`), a factor on it
3 and 6 (`check_factor`), moved by at most 9 places (`check_per`), times a 64-bit count (19 digits): 37 before and 45
after the point, and a rating has less than a hundred lines.
"""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=100, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
ZERO = Decimal(0)
ONE = Decimal(1)

PRICES_ALLOWED = "a decimal from 0 to less than 1e15 with at most 30 digits after the point"
FACTORS_ALLOWED = "a decimal from 0 to 100 with at most 6 digits after the point"

_MOST = Decimal("1e15")
_FINEST = -30
_LARGEST_FACTOR = Decimal(100)
_FINEST_FACTOR = -6
_POWERS_OF_TEN = {10**exponent: exponent for exponent in range(10)}


def check_price(field: str, price: Decimal) -> None:
    """Refuse what is no price.

    Raises ValueError, naming the field, for anything but a finite Decimal of at least 0 and less than 10**15 with at
    most 30 digits after the point.
    """
    if not price.is_finite() or not ZERO <= price < _MOST or _finer(price, _FINEST):
        raise ValueError(f"{field}: {price!r} is not {PRICES_ALLOWED}")


def check_factor(field: str, factor: Decimal) -> None:
    """Refuse a factor on prices: ValueError for what is not finite, from 0 to 100, or finer than 6 digits."""
    if not factor.is_finite() or not ZERO <= factor <= _LARGEST_FACTOR or _finer(factor, _FINEST_FACTOR):
        raise ValueError(f"{field}: {factor!r} is not {FACTORS_ALLOWED}")


def check_per(field: str, per: int) -> None:
    """Refuse a `per` by which division is not exact: ValueError for anything but 1, 10, 100 ... 1,000,000,000."""
    if per not in _POWERS_OF_TEN:
        raise ValueError(f"{field}: {per!r} is not a power of ten from 1 to 1000000000")


def for_one(price: Decimal, per: int) -> Decimal:
    """What one unit costs where `per` units cost `price`; exact, since only the point moves."""
    return EXACT.scaleb(price, -_POWERS_OF_TEN[per])


def _finer(value: Decimal, exponent: int) -> bool:
    """Whether a finite value has digits behind the place of 10**exponent, be they zeros."""
    own = value.as_tuple().exponent
    return isinstance(own, int) and own < exponent
