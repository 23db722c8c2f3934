"""Settings from the environment: one class a process, read once, validated; a wrong value stops the process.

Variables are `PANTHEON_<FIELD>`. The file named by `PANTHEON_ENV_FILE` (default `.env`; empty: none) fills in what the
environment leaves open.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NoReturn, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.nats_address import nats_address

PREFIX = "PANTHEON_"


class ServiceSettings(BaseSettings):
    """What every process reads. Addresses are "host:port"; port 0 takes a free one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    ops_listen: str = "127.0.0.1:0"
    nats_url: str = Field(default="nats://127.0.0.1:4222", repr=False)
    """May hold a password or token, as `nats://token@host:port`."""
    service_keys: Path = Path("service-keys")
    key_pepper: SecretStr = SecretStr("")
    drain_seconds: float = 20.0

    @field_validator("nats_url")
    @classmethod
    def _leads_to_a_server(cls, url: str) -> str:
        nats_address(url)
        return url

    @classmethod
    def load(cls) -> Self:
        """The settings of this process, or the end of it with one line a mistake that names the variable."""
        try:
            return cls(_env_file=env_file())  # type: ignore[call-arg]  # pydantic-settings' own keyword
        except ValidationError as error:
            _refuse(error)


def env_file() -> str | None:
    """The dotenv file to read, or None."""
    return os.environ.get("PANTHEON_ENV_FILE", ".env") or None


def environment() -> Mapping[str, str]:
    """The environment over the dotenv file, for variables whose names are themselves configured (provider keys)."""
    file = env_file()
    values = dotenv_values(file) if file else {}
    return {**{name: value for name, value in values.items() if value is not None}, **os.environ}


def host_and_port(listen: str, variable: str) -> tuple[str, int]:
    """Splits "host:port" ("[::1]:80" too).

    Raises:
        SystemExit: it is neither; the line printed names the variable.
    """
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        sys.exit(f"{variable}={listen!r}: expected host:port, as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _refuse(error: ValidationError) -> NoReturn:
    lines = []
    for mistake in error.errors(include_url=False, include_input=False):
        variable = PREFIX + "_".join(str(part) for part in mistake["loc"]).upper()
        lines.append(f"{variable}: {mistake['msg']}")
    sys.exit("\n".join(lines))
