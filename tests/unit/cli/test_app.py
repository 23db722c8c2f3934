"""The command line as such."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.cli.app import app

HEAVY = {"asyncpg", "google", "grpc", "httpx2", "nats", "pantheon", "pydantic", "sqlalchemy"}
COMMANDS = (
    ("up",),
    ("demo",),
    ("chat",),
    ("models",),
    ("service-keys",),
    ("keys", "create"),
    ("keys", "list"),
    ("keys", "revoke"),
    ("usage", "report"),
    ("usage", "rows"),
    ("usage", "verify"),
    ("router", "replay"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_loads_nothing_heavy() -> None:
    script = "import sys, services.cli.app; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert set(loaded.stdout.split()) & HEAVY == set()


def test_an_unknown_option_is_an_error() -> None:
    assert CliRunner().invoke(app, ["models", "--colour"]).exit_code == 2
