"""How long anything may take, and how many connections there may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, everything included; to wait for the status line, or between two reads."""

    connect: float = 5.0
    read: float = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections to one host and port, attempts at one included; seconds that an idle one is kept, and that the
    addresses of a name are known.
    """

    per_host: int = 1_024
    idle: float = 60.0
    names: float = 30.0
