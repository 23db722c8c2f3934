"""What errors have in common in all shapes: further headers, and the body that a provider refused with."""

from typing import Any

import msgspec

from services.router.api.http import Headers
from services.router.chat import UNREADABLE_JSON
from services.runtime.errors import PantheonError, ProviderError


class Told(msgspec.Struct):
    """What tells the format of a provider's body."""

    type: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(Told).decode


def told_by_provider(error: PantheonError) -> tuple[bytes, Told | None]:
    """A provider's own body, and what is in it; None where it is no JSON object.

    Not so when the provider refused Pantheon's own key, which is no business of the client's.
    """
    original = error.original if isinstance(error, ProviderError) and not error.is_about_us else b""
    try:
        return original, _decode(original)
    except UNREADABLE_JSON:
        return original, None


def headers_of(error: PantheonError) -> Headers:
    """The reason, and when to try again."""
    found = [(b"x-pantheon-reason", error.reason.encode())]
    retry_after = error.metadata.get("retry_after_seconds")
    if retry_after:
        found.append((b"retry-after", retry_after.encode("ascii", "ignore")))
    return found
