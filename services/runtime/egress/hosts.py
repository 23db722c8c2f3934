"""How a host may be spelled: one way only. What two parsers could read differently is no host here."""

import re
from ipaddress import IPv4Address, IPv6Address

from services.runtime.egress.addresses import Address

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""What makes a resolver take a name for an address when it is the last label: URL Standard, "ends in a number"."""
_AT_HOME = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)")
"""RFC 6762, RFC 8375, and what ICANN has set aside or will never delegate."""


def parse_host(text: str) -> Address | str:
    """An address (IPv6 in brackets), or a name in lower case. A name need not exist.

    Raises:
        ValueError: it is neither, or an address in a spelling other than 192.0.2.1 or [2001:db8::1].
    """
    text = text.lower()
    if text.startswith("[") and text.endswith("]") and "%" not in text:
        return IPv6Address(text[1:-1])
    if _NUMBER.fullmatch(text.rpartition(".")[2]):
        return IPv4Address(text)
    if not _NAME.fullmatch(text):
        raise ValueError("not a host")
    return text


def is_internal(name: str) -> bool:
    """Whether a name can't be a public one: it has no dot, or ends as names in home and company networks do."""
    return "." not in name or _AT_HOME.fullmatch(name) is not None
