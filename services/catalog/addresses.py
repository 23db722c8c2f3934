"""Base URLs as people set them."""

from urllib.parse import urlsplit

ALLOWED = "http:// or https://, a host, perhaps a port and a path; no user, password, query or fragment"


def base_url(value: str) -> str:
    """The URL without a trailing slash.

    Raises:
        ValueError: it is not one of those allowed. The message does not repeat it: it may hold a password.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"expected {ALLOWED}") from None
    printable = value.isascii() and value.isprintable() and " " not in value
    bare = not (parts.query or parts.fragment or parts.username is not None or "?" in value or "#" in value)
    if not (printable and bare and parts.scheme in ("http", "https") and parts.hostname and port != 0):
        raise ValueError(f"expected {ALLOWED}")
    return value.rstrip("/")
