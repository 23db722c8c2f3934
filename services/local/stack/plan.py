"""What a stack is made of, and the environment each of its processes gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.local.ports import LOOPBACK
from services.local.stack.listening import Ports
from services.local.stack.secrets import Secrets

SERVICES = ("sandbox", "auth", "catalog", "usage", "router", "edge")
"""In the order of their dependence: each needs only those before it."""
SIGNING_SERVICES = ("catalog", "usage", "router")
"""Those that call internal RPCs, and have a service identity for it."""
WITH_PEPPER = frozenset({"auth", "catalog", "usage", "router"})
"""Those that recognise API keys by their hash."""
WITH_NATS = frozenset({"auth", "catalog", "usage", "router"})
"""Those that publish or hear events."""
WITH_DATABASE = frozenset({"auth", "catalog", "usage"})
"""Those that keep something in Postgres."""

_ADDRESSES = {
    "PANTHEON_AUTH_ADDRESS": "auth",
    "PANTHEON_CATALOG_ADDRESS": "catalog",
    "PANTHEON_USAGE_ADDRESS": "usage",
    "PANTHEON_ROUTER_ADDRESS": "grpc",
    "PANTHEON_ROUTER_HTTP_ADDRESS": "http",
}


@dataclass(frozen=True, slots=True)
class StackPlan:
    """A stack to be run.

    Attributes:
        state: the directory of everything it keeps.
        ports: where its doors are.
        sandbox: run simulated providers, and use no others.
        durable: False gives up what protects the ledger from a crash of the machine, for speed.
        environment: what every process inherits; without secrets.
        provider_environment: keys and base URLs of providers, for the catalog alone.
        secrets: those to use; for one that is not known, the stack makes its own and keeps it.
        database_url: a Postgres of somebody else's; empty: an embedded one.
        nats_url: a NATS of somebody else's; empty: an embedded one.
        sandbox_environment: settings of the sandbox (`PANTHEON_SANDBOX_...`).
    """

    state: Path
    ports: Ports
    sandbox: bool = True
    durable: bool = True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    provider_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Secrets = field(default_factory=Secrets)
    database_url: str = field(default="", repr=False)
    nats_url: str = field(default="", repr=False)
    sandbox_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the service processes, in the order of their dependence."""
        return SERVICES if self.sandbox else tuple(name for name in SERVICES if name != "sandbox")

    @property
    def sandbox_url(self) -> str:
        """Where the simulated providers are; empty: nowhere."""
        return f"http://{self.ports.address('sandbox')}" if self.sandbox else ""

    @property
    def credentials(self) -> Path:
        """The file with the first user's email, password and API key."""
        return self.state / "credentials.json"

    @property
    def service_keys(self) -> Path:
        """The directory of the services' identities."""
        return self.state / "service-keys"

    def log(self, name: str) -> Path:
        """Where the output of a process goes."""
        return self.state / "logs" / f"{name}.log"

    def service_environment(
        self, name: str, secrets: Secrets, *, database_url: str, nats_url: str, ops_port: int
    ) -> dict[str, str]:
        """The whole environment of one service: what it needs to know, and no secret beyond that."""
        given = {
            **self.environment,
            # All settings are here; a process that looked for more could find somebody else's file.
            "PANTHEON_ENV_FILE": "",
            "PANTHEON_OPS_LISTEN": f"{LOOPBACK}:{ops_port}",
            "PANTHEON_SERVICE_KEYS": str(self.service_keys),
            **{variable: self.ports.address(door) for variable, door in _ADDRESSES.items()},
        }
        if name in WITH_NATS:
            given["PANTHEON_NATS_URL"] = nats_url
        if name in WITH_DATABASE:
            given["PANTHEON_DATABASE_URL"] = database_url
        if name in WITH_PEPPER:
            given["PANTHEON_KEY_PEPPER"] = secrets.key_pepper
        return {**given, **self._own_environment(name, secrets)}

    def _own_environment(self, name: str, secrets: Secrets) -> Mapping[str, str]:
        """What only one service is told."""
        own: dict[str, Mapping[str, str]] = {
            "sandbox": {"PANTHEON_SANDBOX_LISTEN": self.ports.address("sandbox"), **self.sandbox_environment},
            "auth": {"PANTHEON_LISTEN": self.ports.address("auth"), "PANTHEON_MASTER_KEY": secrets.master_key},
            "catalog": {
                "PANTHEON_LISTEN": self.ports.address("catalog"),
                "PANTHEON_MASTER_KEY": secrets.master_key,
                "PANTHEON_SANDBOX_URL": self.sandbox_url,
                **self.provider_environment,
            },
            "usage": {"PANTHEON_LISTEN": self.ports.address("usage")},
            "router": {
                "PANTHEON_GRPC_LISTEN": self.ports.address("grpc"),
                "PANTHEON_HTTP_LISTEN": self.ports.address("http"),
                "PANTHEON_SPOOL_DIR": str(self.state / "router" / "spool"),
                "PANTHEON_CACHE_DIR": str(self.state / "router" / "cache"),
            },
            "edge": {
                "PANTHEON_LISTEN": self.ports.address("console"),
                "PANTHEON_SANDBOX_URL": self.sandbox_url,
            },
        }
        return own[name]
