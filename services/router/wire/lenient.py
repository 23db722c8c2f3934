"""JSON from providers, read for what it can tell: a member of a surprising type counts as absent, it breaks nothing."""

import json
from decimal import Decimal
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

from services.runtime.errors import ProviderBroken

Kind = TypeVar("Kind", bound=msgspec.Struct)


class LenientDecoder(Generic[Kind]):
    """Reads JSON objects of one kind, whose fields all have defaults. Fast where everything is as expected."""

    def __init__(self, kind: type[Kind]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind, strict=False).decode

    def decode(self, data: bytes) -> Kind:
        """The object, as far as it fits.

        Raises:
            ProviderBroken: it is not a JSON object.
        """
        try:
            return self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Python's own reader takes what providers do send: half surrogates (an emoji cut in two), NaN, Infinity.
            try:
                value = json.loads(data, parse_float=Decimal)
            except (ValueError, ArithmeticError, RecursionError) as error:
                raise ProviderBroken(f"The answer can't be read: {error}", phase="body") from None
        except RecursionError:
            raise ProviderBroken("The answer can't be read: it is nested too deeply", phase="body") from None
        if not isinstance(value, dict):
            raise ProviderBroken("The answer is not a JSON object", phase="body")
        try:
            found: Kind = _fitting(value, self._kind)
        except RecursionError:
            raise ProviderBroken("The answer can't be read: it is nested too deeply", phase="body") from None
        return found


def _fitting(value: Any, kind: Any) -> Any:
    """The value as far as it is of the kind; None where it is not."""
    if kind is msgspec.Raw:
        return msgspec.Raw(json.dumps(value, default=float).encode())
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter of half a surrogate pair where no text should be
        pass
    for possible in get_args(kind) or (kind,):
        if isinstance(value, dict) and isinstance(possible, type) and issubclass(possible, msgspec.Struct):
            return _struct(value, possible)
        if isinstance(value, list) and get_origin(possible) is list:
            fitting = [_fitting(element, get_args(possible)[0]) for element in value]
            return [element for element in fitting if element is not None]
    return None


def _struct(value: dict[str, Any], kind: type[msgspec.Struct]) -> msgspec.Struct:
    fields = [field for field in msgspec.structs.fields(kind) if field.encode_name in value]
    found = {field.name: _fitting(value[field.encode_name], field.type) for field in fields}
    return kind(**{name: member for name, member in found.items() if member is not None})
