"""Commands that need no stack, or are one."""

from pathlib import Path
from typing import Annotated

import typer


def up() -> None:
    """Run the whole stack on this machine until Ctrl-C, its state in .pantheon.

    Real providers for the keys found in the environment or .env; with no key at all, or PANTHEON_SANDBOX=1,
    simulated ones. PANTHEON_DATABASE_URL and PANTHEON_NATS_URL name servers to use instead of the embedded ones,
    PANTHEON_CONSOLE_PORT, _HTTP_PORT, _GRPC_PORT, _CATALOG_PORT, _USAGE_PORT, _AUTH_PORT and _SANDBOX_PORT other
    ports, PANTHEON_STATE_DIR another directory.
    """
    from services.cli.running import execute
    from services.cli.up import run_stack

    execute(run_stack)


def demo(
    completions: Annotated[int, typer.Option(min=8, max=10_000, help="How many to send.")] = 84,
) -> None:
    """Start everything on free ports, send traffic, show the cost and latency report, stop; leaves nothing behind."""
    from services.cli.demo.command import run_demo
    from services.cli.running import execute

    execute(lambda: run_demo(completions))


def service_keys(
    directory: Annotated[Path, typer.Argument(help="Where to; PANTHEON_SERVICE_KEYS of each service.")],
) -> None:
    """Make the keys services prove their identity with. Existing ones stay."""
    from services.cli.running import execute
    from services.cli.service_keys import make_service_keys

    execute(lambda: make_service_keys(directory))
