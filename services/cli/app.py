"""The command line: names, options and help. What a command does is imported when it runs, so that help is quick."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import (
    AUTH,
    CATALOG,
    ROUTER,
    USAGE,
    ApiKey,
    AsJson,
    AuthAddress,
    CatalogAddress,
    Models,
    RouterAddress,
    Scope,
    Since,
    Until,
    UsageAddress,
)

app = typer.Typer(
    name="pantheon",
    help="The model layer of an organisation: one door to every LLM, one ledger of cost and latency.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
usage = typer.Typer(help="Cost and latency from the ledger.", no_args_is_help=True)
router = typer.Typer(help="What routers leave behind.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(usage, name="usage")
app.add_typer(router, name="router")


@app.command()
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


@app.command()
def demo(
    completions: Annotated[int, typer.Option(min=8, max=10_000, help="How many to send.")] = 84,
) -> None:
    """Start everything on free ports, send traffic, show the cost and latency report, stop; leaves nothing behind."""
    from services.cli.demo.command import run_demo
    from services.cli.running import execute

    execute(lambda: run_demo(completions))


@app.command()
def chat(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    prompt: Annotated[str, typer.Argument(help="What to ask; without it, a conversation.", show_default=False)] = "",
    model: Annotated[
        str, typer.Option("--model", "-m", envvar="PANTHEON_MODEL", help="A model, an alias or auto.")
    ] = "openai/gpt-4-turbo",
    system: Annotated[str, typer.Option(help="Instructions above the conversation.", show_default=False)] = "",
    temperature: Annotated[float | None, typer.Option(help="0 to 2.", show_default=False)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of an answer.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="For reports; repeatable.")] = None,
    address: RouterAddress = ROUTER,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Talk to a model, streamed, and see what each answer cost and how long it took."""
    from services.cli import chat as talking
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: talking.chat(
            Caller("router", address, api_key),
            talking.chat_spec(model, system, temperature, max_tokens, tag or ()),
            prompt,
            as_json=as_json,
        )
    )


@app.command()
def models(
    search: Annotated[str, typer.Argument(help="Part of an id, name or alias.", show_default=False)] = "",
    provider: Annotated[str, typer.Option(help="Only those this provider offers.", show_default=False)] = "",
    everything: Annotated[bool, typer.Option("--all", help="Those of providers without a key too.")] = False,
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """List models, where they are served and what they cost."""
    from services.cli.calling import Caller
    from services.cli.models import list_models
    from services.cli.running import execute

    caller = Caller("catalog", address, api_key)
    execute(lambda: list_models(caller, search, provider, everything=everything, as_json=as_json))


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE", help="inference, usage-read, settings or admin; repeatable. Default: all but admin."
        ),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="SPAN", help="When it ends, as 30d. Default: never.")] = "",
    user: Annotated[str, typer.Option(metavar="ID", help="Whom it acts as. Default: you.")] = "",
    project: Annotated[str, typer.Option(metavar="ID", help="Where its spend is booked. Default: the first.")] = "",
    address: AuthAddress = AUTH,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key. Its secret is shown this once."""
    from services.cli import keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    caller = Caller("auth service", address, api_key)
    execute(lambda: actions.create(caller, name, scope or (), expires, user, project, as_json=as_json))


@keys.command("list")
def list_keys(
    everybody: Annotated[bool, typer.Option("--all", help="The whole organisation's, for administrators.")] = False,
    inactive: Annotated[bool, typer.Option("--inactive", help="Revoked and expired ones too.")] = False,
    address: AuthAddress = AUTH,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """List API keys, newest first."""
    from services.cli import keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    caller = Caller("auth service", address, api_key)
    execute(lambda: actions.list_keys(caller, whole_organisation=everybody, inactive=inactive, as_json=as_json))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `pantheon keys list` shows it.")],
    address: AuthAddress = AUTH,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Revoke an API key for good."""
    from services.cli import keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.revoke(Caller("auth service", address, api_key), key_id, as_json=as_json))


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


@router.command("replay")
def replay(
    directory: Annotated[Path, typer.Argument(help="A spool, or a directory of spools.", exists=True, file_okay=False)],
    nats_url: Annotated[str, typer.Option(envvar="PANTHEON_NATS_URL", metavar="URL")] = "nats://127.0.0.1:4222",
    usage_address: Annotated[str, typer.Option(envvar="PANTHEON_USAGE_ADDRESS", metavar="HOST:PORT")] = USAGE,
    catalog_address: Annotated[str, typer.Option(envvar="PANTHEON_CATALOG_ADDRESS", metavar="HOST:PORT")] = CATALOG,
    service_keys: Annotated[
        Path, typer.Option(envvar="PANTHEON_SERVICE_KEYS", help="The directory with router.jwk.")
    ] = Path(".pantheon/service-keys"),
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the ledger.")] = 60.0,
) -> None:
    """Bring what a router that is gone left on its disk into the ledger; what is there already is not booked twice."""
    from services.cli.replay import Places, replay_spools
    from services.cli.running import execute
    from services.runtime import logging

    logging.configure("replay", "error", "console")
    places = Places(nats_url, usage_address, catalog_address, service_keys)
    execute(lambda: replay_spools(directory, places, timeout))


@app.command("service-keys")
def service_keys(
    directory: Annotated[Path, typer.Argument(help="Where to; PANTHEON_SERVICE_KEYS of each service.")],
) -> None:
    """Make the keys services prove their identity with. Existing ones stay."""
    from services.cli.running import execute
    from services.cli.service_keys import make_service_keys

    execute(lambda: make_service_keys(directory))
