"""Money on the wire: `google.type.Decimal` to and from `decimal.Decimal`, exact in both directions. USD throughout."""

from decimal import Decimal, InvalidOperation

from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.runtime.errors import InvalidField


def to_proto(amount: Decimal) -> ProtoDecimal:
    """The amount in plain notation, no exponent, no trailing zeros lost."""
    return ProtoDecimal(value=format(amount, "f"))


def from_proto(amount: ProtoDecimal, field: str = "decimal") -> Decimal:
    """The amount as a finite `Decimal`.

    Raises:
        InvalidField: the text is not a finite decimal number.
    """
    try:
        value = Decimal(amount.value)
    except InvalidOperation:
        raise InvalidField(field, amount.value, "a decimal number") from None
    if not value.is_finite():
        raise InvalidField(field, amount.value, "a finite decimal number")
    return value
