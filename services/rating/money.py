"""Exact decimal arithmetic.

Money is never rounded here. All arithmetic of this package goes through `EXACT`, which raises `decimal.Inexact` rather
than drop a digit; and nothing is ever divided: `per` is a power of ten, so a price per single unit is the price with
its decimal point moved.

Why 100 digits are enough: a price has at most 15 digits before and 30 after the point (`check_price`), moved by at most
9 places (`check_per`), times a 64-bit count (19 digits): 34 before and 39 after the point, and a rating has ten lines.
"""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

EXACT = Context(prec=100, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
ZERO = Decimal(0)

_MOST = Decimal("1e15")
_FINEST = -30
_POWERS_OF_TEN = {10**exponent: exponent for exponent in range(10)}


def check_price(field: str, price: Decimal) -> None:
    """Refuse what is no price.

    Raises ValueError, naming the field, for anything but a finite Decimal of at least 0 and less than 10**15 with at
    most 30 digits after the point.
    """
    allowed = "a decimal from 0 to less than 1e15 with at most 30 digits after the point"
    if not price.is_finite() or not ZERO <= price < _MOST:
        raise ValueError(f"{field}: {price!r} is not {allowed}")
    exponent = price.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        raise ValueError(f"{field}: {price!r} is not {allowed}")


def check_per(field: str, per: int) -> None:
    """Refuse a `per` by which division is not exact: ValueError for anything but 1, 10, 100 ... 1,000,000,000."""
    if per not in _POWERS_OF_TEN:
        raise ValueError(f"{field}: {per!r} is not a power of ten from 1 to 1000000000")


def for_one(price: Decimal, per: int) -> Decimal:
    """What one unit costs where `per` units cost `price`; exact, since only the point moves."""
    return EXACT.scaleb(price, -_POWERS_OF_TEN[per])
