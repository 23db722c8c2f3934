"""Keyset paging: a token holds the last row's sort key and a fingerprint of the query it belongs to."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from services.runtime.errors import InvalidField, InvalidPageToken

Row = TypeVar("Row")


def page_size(asked: int, default: int, most: int) -> int:
    """How many rows to give: 0 means the default, more than the most is taken as the most.

    Raises:
        InvalidField: it is negative.
    """
    if asked < 0:
        raise InvalidField("page_size", asked, f"0 to {most}")
    return min(asked or default, most)


def encode_token(query: object, *last: str) -> str:
    """The token for the page after the row whose sort key is `last`. `query` is what must not change meanwhile."""
    body = msgspec.json.encode([_fingerprint(query), *last])
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def cut(
    rows: Sequence[Row], size: int, query: object, key: Callable[[Row], tuple[str, ...]]
) -> tuple[Sequence[Row], str]:
    """The rows to show, of up to `size` and one that were read, and the token of the next page: empty if there is none.

    `key` is a row's sort key; `query` as for `encode_token`.
    """
    shown = rows[:size]
    return shown, encode_token(query, *key(shown[-1])) if len(rows) > size else ""


def decode_token(token: str, query: object, length: int) -> tuple[str, ...] | None:
    """The sort key to go on from, `length` values; None for an empty token: the first page.

    Raises:
        InvalidPageToken: it is not a token of this query.
    """
    if not token:
        return None
    try:
        body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        fingerprint, *last = msgspec.json.decode(body, type=list[str])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise InvalidPageToken from None
    if fingerprint != _fingerprint(query) or len(last) != length:
        raise InvalidPageToken
    return tuple(last)


def _fingerprint(query: object) -> str:
    return hashlib.sha256(repr(query).encode()).hexdigest()[:16]
