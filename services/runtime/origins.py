"""Origins of URLs: scheme, host and port, which is what a key given for a URL is bound to."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})
"""By scheme: the port of a URL that names none."""


def origin_of(url: str) -> str:
    """The origin of a URL in full: "https://openrouter.ai:443"; empty where it is no URL of a server's."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port or PORTS.get(parts.scheme)
    return f"{parts.scheme}://{shown}:{port}" if host and port else ""
