"""How a stack's start and stop look at the terminal."""

import time
from typing import Literal

from rich.console import Console
from rich.table import Table

from services.cli.output import without_credentials
from services.local.stack import Stack, StackPlan

PARTS = ("nats", "postgres", "sandbox", "auth", "catalog", "usage", "router", "edge")


class Progress:
    """Prints one line a part; an instance is what `Stack` reports to. Times count from the last `begin`."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._began = time.monotonic()

    def begin(self, what: str) -> None:
        """Announces what the next lines are about."""
        self._began = time.monotonic()
        self._screen.print(what)

    @property
    def seconds(self) -> float:
        """Since the last `begin`."""
        return time.monotonic() - self._began

    def __call__(self, name: str, state: Literal["ready", "stopped"]) -> None:
        """See `services.local.stack.Report`."""
        self._screen.print(f"  [green]✓[/green] {name:<9}{state:<8} [dim]{self.seconds:.1f} s[/dim]")


def places(stack: Stack) -> Table:
    """What is where."""
    plan = stack.plan
    grid = Table.grid(padding=(0, 2))
    for what, where in _places(plan).items():
        grid.add_row(f"[bold]{what}[/bold]", where)
    grid.add_row("[bold]NATS[/bold]", without_credentials(stack.nats_url))
    grid.add_row("[bold]Postgres[/bold]", without_credentials(stack.database_url))
    kept = f"{plan.credentials}  (email, password, api_key)"
    grid.add_row("[bold]Credentials[/bold]", kept if plan.credentials.exists() else "the database had users already")
    grid.add_row("[bold]Logs[/bold]", f"{plan.log('router').parent}")
    return grid


def _places(plan: StackPlan) -> dict[str, str]:
    address = plan.ports.address
    shown = {
        "Console": f"http://{address('console')}",
        "REST API": f"http://{address('console')}/api",
        "OpenAI API": f"http://{address('http')}/v1",
        "Router, gRPC": address("grpc"),
        "Catalog, gRPC": address("catalog"),
        "Usage, gRPC": address("usage"),
        "Auth, gRPC": address("auth"),
    }
    return {**shown, "Sandbox": plan.sandbox_url} if plan.sandbox else shown
