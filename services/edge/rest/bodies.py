"""JSON bodies of requests, read strictly: UTF-8, at most 1 MiB, one object."""

import math
from decimal import Decimal, InvalidOperation

import msgspec
from starlette.requests import ClientDisconnect, Request

from services.edge.rest.members import Members
from services.edge.rest.queries import no_parameters
from services.runtime.errors import BodyTooLarge, CallerGone, MalformedBody

MAX_BODY_BYTES = 1024 * 1024
_SHOWN = 40


def _fraction(literal: str) -> Decimal:
    """A number with a point or an exponent, exact: it may be money. One too large for a double is none."""
    try:
        if math.isfinite(float(literal)):
            return Decimal(literal)
    except InvalidOperation:
        pass  # an exponent of dozens of digits
    raise ValueError(f"the number {literal[:_SHOWN]} is out of range")


_decode = msgspec.json.Decoder(float_hook=_fraction).decode


async def read_object(request: Request) -> Members:
    """The members of the object that the body is; where there is a body, a query string has nothing to say.

    Raises:
        InvalidField: there is a query string.
        BodyTooLarge: it exceeds 1 MiB; a body that announces so is not read at all.
        MalformedBody: it is not JSON, or not an object.
        CallerGone: the caller went away before it had sent everything.
    """
    no_parameters(request)
    return parse_object(await _read(request))


def parse_object(body: bytes) -> Members:
    """As `read_object`. Numbers with a point or an exponent are `Decimal`."""
    if not body:
        raise MalformedBody("it is empty; expected is a JSON object")
    try:
        value = _decode(body)
    except RecursionError:
        raise MalformedBody("it is nested too deeply") from None
    except ValueError as error:  # of msgspec, and that of bytes which are not UTF-8
        raise MalformedBody(str(error)) from None
    if not isinstance(value, dict):
        raise MalformedBody("expected is a JSON object")
    return Members(value)


async def _read(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise BodyTooLarge(announced, MAX_BODY_BYTES)
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge(f"more than {MAX_BODY_BYTES}", MAX_BODY_BYTES)
    except ClientDisconnect:
        raise CallerGone from None
    return bytes(body)
