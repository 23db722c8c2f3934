"""Options that several commands share."""

from typing import Annotated

import typer

ApiKey = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="PANTHEON_API_KEY",
        metavar="KEY",
        help="Whose name to act in. Default: the key in .pantheon/credentials.json.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go on without asking.")]
RouterAddress = Annotated[
    str, typer.Option("--address", envvar="PANTHEON_ROUTER_ADDRESS", metavar="HOST:PORT", help="The router, gRPC.")
]
CatalogAddress = Annotated[
    str, typer.Option("--address", envvar="PANTHEON_CATALOG_ADDRESS", metavar="HOST:PORT", help="The catalog service.")
]
UsageAddress = Annotated[
    str, typer.Option("--address", envvar="PANTHEON_USAGE_ADDRESS", metavar="HOST:PORT", help="The usage service.")
]
AuthAddress = Annotated[
    str, typer.Option("--address", envvar="PANTHEON_AUTH_ADDRESS", metavar="HOST:PORT", help="The auth service.")
]
Scope = Annotated[
    str, typer.Option("--scope", metavar="SCOPE", help="Whose usage: own, project, organisation or platform.")
]
Since = Annotated[
    str,
    typer.Option("--since", metavar="WHEN", help="From: 45m, 24h, 7d ago, or a date or time as 2026-11-01T08:00Z."),
]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="To, exclusive; as --since. Default: now.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", metavar="MODEL", help="Only this model, by its canonical id; repeatable.")
]

ROUTER = "127.0.0.1:50051"
CATALOG = "127.0.0.1:50052"
USAGE = "127.0.0.1:50053"
AUTH = "127.0.0.1:50054"
