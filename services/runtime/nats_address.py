"""Where a NATS URL leads, without the secret that may be in it."""

from urllib.parse import urlsplit

_PORT = 4222
_SCHEMES = ("nats", "tls", "ws", "wss")
_EXPECTED = "expected nats://host:port, or nats://token@host:port"


def nats_address(url: str) -> str:
    """The server of a URL, as "host:port", to be shown to anybody.

    Raises:
        ValueError: it is no URL of a NATS server; the text does not repeat it.
    """
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        # What urlsplit says of it repeats a part of it, which may be one of the password.
        raise ValueError(_EXPECTED) from None
    if not host or parts.scheme not in _SCHEMES:
        raise ValueError(_EXPECTED)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port or _PORT}"
