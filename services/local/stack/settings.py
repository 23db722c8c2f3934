"""What `pantheon up` is told from outside."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from services.local.stack.listening import PORT_VARIABLES, Ports
from services.runtime.nats_address import nats_address
from services.runtime.settings import ServiceSettings

_DEFAULTS = Ports()


class StackSettings(ServiceSettings):
    """Settings of `pantheon up`. What is no setting of the stack goes on to the services."""

    state_dir: Path = Path(".pantheon")
    """Everything the stack keeps."""
    sandbox: bool = False
    """Simulated providers even where there are keys of real ones."""
    database_url: SecretStr = SecretStr("")
    """A Postgres to use; empty: an embedded one."""
    nats_url: str = Field(default="", repr=False)
    """A NATS to use; empty: an embedded one."""
    master_key: SecretStr = SecretStr("")
    """See `SealingSettings`. Like the pepper of key hashes: empty, it is made at the first start and kept."""
    console_port: int = Field(_DEFAULTS.console, ge=1, le=65_535)
    http_port: int = Field(_DEFAULTS.http, ge=1, le=65_535)
    grpc_port: int = Field(_DEFAULTS.grpc, ge=1, le=65_535)
    catalog_port: int = Field(_DEFAULTS.catalog, ge=1, le=65_535)
    usage_port: int = Field(_DEFAULTS.usage, ge=1, le=65_535)
    auth_port: int = Field(_DEFAULTS.auth, ge=1, le=65_535)
    sandbox_port: int = Field(_DEFAULTS.sandbox, ge=1, le=65_535)

    @field_validator("nats_url")
    @classmethod
    def _leads_to_a_server(cls, url: str) -> str:
        if url:
            nats_address(url)
        return url

    @property
    def ports(self) -> Ports:
        """The doors of the stack."""
        return Ports(**{door: getattr(self, f"{door}_port") for door in PORT_VARIABLES})
