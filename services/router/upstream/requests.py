"""A request as bytes. What could be taken for something else by a server is refused here."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from services.runtime.origins import PORTS

_KNOWN_URLS = 1_024
_KNOWN_NAMES = 1_024
_MOST_PORT = 65_535
_HOST = re.compile(r"[0-9a-z._-]+|[0-9a-f:.]*:[0-9a-f:.]*(?:%[0-9a-z._-]+)?")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
"""RFC 3986: what has a meaning in paths and queries, and what is escaped already."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What says how messages follow each other on a connection, and is therefore not the caller's to set."""


class Origin(NamedTuple):
    """Whom to connect to; `host` is a name in ASCII or an address without brackets."""

    scheme: str
    host: str
    port: int


class Target(NamedTuple):
    """Where a request goes; `head` is its beginning, which is the same for all requests to one URL."""

    origin: Origin
    head: str


@lru_cache(_KNOWN_URLS)
def target_of(url: str) -> Target:
    """Takes a URL apart.

    Raises:
        ValueError: it is not the address of an HTTP server.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "") if parts.username is None else ""
    if ":" not in host:
        host = host.encode("idna").decode().lower()
    port = parts.port if parts.port is not None else PORTS.get(parts.scheme)
    if not port or not _HOST.fullmatch(host):
        raise ValueError("not the address of an HTTP server")
    path = quote(parts.path, _URL_SAFE) or "/"
    query = f"?{quote(parts.query, _URL_SAFE)}" if parts.query else ""
    shown = f"[{host.partition('%')[0]}]" if ":" in host else host
    if port != PORTS[parts.scheme]:
        shown = f"{shown}:{port}"
    return Target(
        Origin(parts.scheme, host, port),
        f"POST {path}{query} HTTP/1.1\r\nhost: {shown}\r\naccept-encoding: gzip, deflate\r\n",
    )


def request_head(target: Target, headers: Mapping[str, str], size: int) -> bytes:
    """Everything of a request before its body of `size` bytes.

    Raises:
        ValueError: a header can't be sent as one, or is not the caller's to set.
    """
    fields = [target.head]
    for name, value in headers.items():
        # RFC 9110, section 5.5: no control characters, of which a line break would make two fields of one.
        if not value.isprintable():
            raise ValueError(f"the value of header {name!r} can't be sent")
        fields.append(f"{_field_name(name)}: {value}\r\n")
    fields.append(f"content-length: {size}\r\n\r\n")
    return "".join(fields).encode()


@lru_cache(_KNOWN_NAMES)
def _field_name(name: str) -> str:
    """A header's name. Raises ValueError."""
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
        raise ValueError(f"the header {name!r} can't be sent")
    return name
