"""The ports of a stack: where its parts listen on the loopback interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Self

from services.local.errors import PortInUseError
from services.local.ports import LOOPBACK, free_ports, is_free


@dataclass(frozen=True, slots=True)
class Ports:
    """One port for each door of the stack; the defaults are those the documentation names."""

    console: int = 3000
    http: int = 8080
    grpc: int = 50051
    catalog: int = 50052
    usage: int = 50053
    auth: int = 50054
    sandbox: int = 8099

    @classmethod
    def free(cls) -> Self:
        """Ports nobody listens on at this moment."""
        return cls(*free_ports(len(fields(cls))))

    def address(self, door: str) -> str:
        """`127.0.0.1:<port>` of a door, by its name here."""
        return f"{LOOPBACK}:{getattr(self, door)}"

    def check_free(self, *, without: frozenset[str] = frozenset()) -> None:
        """Raises PortInUseError, naming port and variable, unless every door but those in `without` can be opened."""
        taken = [
            f"port {port} is taken by another process; free it, or set {variable} to another one"
            for door, variable in PORT_VARIABLES.items()
            if door not in without and not is_free(port := getattr(self, door))
        ]
        if taken:
            raise PortInUseError("\n".join(taken))


PORT_VARIABLES: Mapping[str, str] = MappingProxyType(
    {field.name: f"PANTHEON_{field.name.upper()}_PORT" for field in fields(Ports)}
)
"""The variable that moves each door."""
