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
    ("models", "list"),
    ("models", "show"),
    ("models", "sync"),
    ("models", "syncs"),
    ("models", "revert"),
    ("models", "price"),
    ("models", "price", "show"),
    ("models", "price", "set"),
    ("models", "price", "override"),
    ("custom-models", "list"),
    ("custom-models", "show"),
    ("custom-models", "create"),
    ("custom-models", "update"),
    ("custom-models", "delete"),
    ("custom-models", "test"),
    ("custom-models", "default"),
    ("use-cases", "list"),
    ("use-cases", "set"),
    ("use-cases", "clear"),
    ("settings", "show"),
    ("settings", "set"),
    ("settings", "clear"),
    ("service-keys",),
    ("keys", "create"),
    ("keys", "list"),
    ("keys", "revoke"),
    ("keys", "rotate-master"),
    ("keys", "provider", "add"),
    ("keys", "provider", "list"),
    ("keys", "provider", "check"),
    ("keys", "provider", "remove"),
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


def test_a_models_key_is_never_an_argument() -> None:
    for command in ("create", "update", "test"):
        result = CliRunner().invoke(app, ["custom-models", command, "--help"])
        assert "--api-key-prompt" in result.output
        assert "--api-key-variable" in result.output


def test_an_unknown_option_is_an_error() -> None:
    assert CliRunner().invoke(app, ["models", "list", "--colour"]).exit_code == 2


def test_a_context_window_beyond_all_figures_is_refused_in_one_line() -> None:
    result = CliRunner().invoke(app, ["models", "list", "--min-context", "9" * 20])
    assert (result.exit_code, "--min-context" in result.output) == (2, True)
