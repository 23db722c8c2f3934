"""The check of a URL on entry: before any resolver is asked, so that who typed it learns what is wrong with it."""

import re

from services.runtime.egress.hosts import is_internal, parse_host
from services.runtime.egress.policy import VARIABLE, EgressPolicy, is_web_port
from services.runtime.errors import InvalidField
from services.runtime.origins import PORTS

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+]|[a-z0-9._-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?:[/?][a-z0-9._~!$&'()*+,;=:@/?%\[\]-]*)?",
    re.IGNORECASE | re.ASCII,
)
"""RFC 3986 without user info and fragment, and with no escapes in the host: there parsers agree on what is meant."""
_MOST_CHARACTERS = 2_048

_SPELLING = (
    f"expected https://, a name or an address as 192.0.2.1 or [2001:db8::1], perhaps a port and a path; no user, no"
    f" fragment, no trailing dot, names in ASCII (xn--...), at most {_MOST_CHARACTERS} characters"
)
_SCHEME = f"expected https://; http:// needs a host that the operator lists in {VARIABLE}"
_PUBLIC = f"expected a public host; others need an entry by the operator in {VARIABLE}"
_PORT = f"expected port 443, or 1024 to 65535; others need an entry by the operator in {VARIABLE}"


def check_url(policy: EgressPolicy, field: str, url: str) -> None:
    """Whether a URL that a user gave in `field` may be kept. What its name resolves to is not looked at.

    Raises:
        InvalidField: it may not; names the field, the URL without user, password and query, and what is expected.
    """
    if fault := fault_of(policy, url):
        raise InvalidField(field, _shown(url), fault)


def fault_of(policy: EgressPolicy, url: str) -> str | None:
    """What is expected instead of this URL, or None if nothing is wrong with it."""
    parts = _URL.fullmatch(url) if len(url) <= _MOST_CHARACTERS else None
    if parts is None:
        return _SPELLING
    scheme = parts["scheme"].lower()
    port = int(parts["port"]) if parts["port"] else PORTS[scheme]
    try:
        host = parse_host(parts["host"])
    except ValueError:
        return _SPELLING
    if isinstance(host, str):
        listed = policy.names(host, port)
        # A name may have an address that the operator opened: then only resolving it can tell.
        public = listed or bool(policy.networks) or not is_internal(host)
        free_port = listed or bool(policy.networks) or is_web_port(port)
    else:
        listed = policy.opens(host, port)
        public = listed or policy.permits("", str(host), PORTS["https"])
        free_port = listed or is_web_port(port)
    if not public:
        return _PUBLIC
    if scheme == "http" and not listed:
        return _SCHEME
    return None if free_port else _PORT


def _shown(url: str) -> str:
    """Without what may be secret."""
    return re.sub(r"//.*@", "//...@", re.split(r"[?#]", url, maxsplit=1)[0])
