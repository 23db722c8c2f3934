"""Numbers and strings within the bounds a JSON schema sets."""

import math
import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from services.sandbox import text

_SPAN = 100
"""How far above (or below) its only bound a number may lie."""
_FORMATS: Mapping[str, str] = {
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.17",
    "ipv6": "2001:db8::17",
    "uri": "https://example.com/page",
    "uuid": "6f1c2a58-4f1d-4c57-9a3e-0b8f5d2e7c41",
}


class UnsatisfiableSchema(ValueError):
    """No value of finite size was found that fits the schema."""


def number(schema: Mapping[str, Any], rng: random.Random, *, whole: bool) -> int | float:
    """A number that keeps the bounds and `multipleOf`; an int when `whole`."""
    low, low_open = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, high_open = _bound(schema, "maximum", "exclusiveMaximum", min)
    if low is None:
        low = Fraction(0) if high is None or high > 0 else high - _SPAN
    if high is None:
        high = low + _SPAN
    step = Fraction(str(schema["multipleOf"])) if "multipleOf" in schema else None
    if whole:
        # The smallest whole multiple of n/d in lowest terms is n.
        step = Fraction(step.numerator) if step else Fraction(1)
    if step is None:
        return _between(low, high, rng.uniform(0.25, 0.75), is_open=low_open or high_open)
    first, last = math.ceil(low / step), math.floor(high / step)
    first += low_open and first * step == low
    last -= high_open and last * step == high
    if last < first:
        raise UnsatisfiableSchema(f"no multiple of {step} between {low} and {high}")
    value = rng.randint(first, min(last, first + _SPAN)) * step
    return int(value) if whole else float(value)


def string(schema: Mapping[str, Any], rng: random.Random) -> str:
    """A sentence or two within `minLength` and `maxLength` (code points), or a fixed example of the `format`."""
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if most < least:
        raise UnsatisfiableSchema(f"maxLength {most} is below minLength {least}")
    words = text.paragraph(rng.getrandbits(32), max(1, text.tokens_for(least)))
    return words if len(words) <= most else words[: int(most)]


def _bound(schema: Mapping[str, Any], closed: str, exclusive: str, tighter: Any) -> tuple[Fraction | None, bool]:
    """One bound and whether it is itself excluded; a boolean exclusive bound (OpenAPI 3.0) qualifies the other one."""
    limit, sharp = schema.get(closed), schema.get(exclusive)
    if isinstance(sharp, bool):
        return (None if limit is None else Fraction(str(limit))), sharp
    if limit is None and sharp is None:
        return None, False
    chosen = tighter(value for value in (limit, sharp) if value is not None)
    return Fraction(str(chosen)), chosen == sharp


def _between(low: Fraction, high: Fraction, share: float, *, is_open: bool) -> float:
    """A number between the bounds, with two decimals where that still lies between them."""
    if high < low or (high == low and is_open):
        raise UnsatisfiableSchema(f"no number between {low} and {high}")
    if high == low:
        return float(low)
    value = low + (high - low) * Fraction(share)
    rounded = round(value, 2)
    return float(rounded if low < rounded < high else value)
