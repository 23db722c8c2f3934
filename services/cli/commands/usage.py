"""`pantheon usage`."""

from typing import Annotated

import typer

from services.cli.options import USAGE, ApiKey, AsJson, Models, Scope, Since, Until, UsageAddress

usage = typer.Typer(help="Cost and latency from the ledger.", no_args_is_help=True)


@usage.command("report")
def usage_report(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIMENSION", help="model, provider, user, key, day, tag:NAME ...; repeatable. Default: model."
        ),
    ] = None,
    scope: Scope = "own",
    since: Since = "30d",
    until: Until = "",
    model: Models = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Of hours and days, as Europe/Paris.")] = "UTC",
    address: UsageAddress = USAGE,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Requests, tokens, cost and latency, by model or otherwise."""
    from services.cli import usage as reports
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: reports.report(
            Caller("usage service", address, api_key),
            reports.report_filter(scope, since, until, model or ()),
            by or ("model",),
            time_zone,
            as_json=as_json,
        )
    )


@usage.command("rows")
def usage_rows(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    request: Annotated[str, typer.Option(metavar="ID", help="Only the attempts of this request.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 50,
    scope: Scope = "own",
    since: Since = "30d",
    until: Until = "",
    model: Models = None,
    address: UsageAddress = USAGE,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Rows of the ledger, newest first."""
    from services.cli import usage as reports
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: reports.rows(
            Caller("usage service", address, api_key),
            reports.report_filter(scope, since, until, model or ()),
            request,
            limit,
            as_json=as_json,
        )
    )


@usage.command("verify")
def usage_verify(
    since: Annotated[str, typer.Option(metavar="WHEN", help="From. Default: everything kept.")] = "",
    until: Until = "",
    address: UsageAddress = USAGE,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Check that reports equal the ledger and that nothing is missing below the watermarks; exit 1 otherwise."""
    from services.cli import usage as reports
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: reports.verify(Caller("usage service", address, api_key), since, until, as_json=as_json))
