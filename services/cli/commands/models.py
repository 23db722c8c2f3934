"""`pantheon models`."""

from typing import Annotated

import typer

from services.cli.commands.prices import price
from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress, Yes

_INT64_MOST = 2**63 - 1
LeastContext = Annotated[int, typer.Option(min=0, max=_INT64_MOST, metavar="TOKENS", help="Least context window.")]

models = typer.Typer(help="Models, their prices, and where they are served.", no_args_is_help=True)
models.add_typer(price, name="price")


@models.command("list")
def list_models(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    search: Annotated[str, typer.Argument(help="Part of an id, name or alias.", show_default=False)] = "",
    provider: Annotated[str, typer.Option(help="Only those this provider offers.", show_default=False)] = "",
    capability: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="tools, structured-output, reasoning, vision, audio, files ...; repeatable, for all."
        ),
    ] = None,
    min_context: LeastContext = 0,
    max_prompt_price: Annotated[str, typer.Option(metavar="USD", help="Most for a million prompt tokens.")] = "",
    max_completion_price: Annotated[str, typer.Option(metavar="USD", help="The same of completion tokens.")] = "",
    current: Annotated[bool, typer.Option("--current", help="Not those that are deprecated.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Those of providers without a key too.")] = False,
    order: Annotated[
        str, typer.Option(metavar="BY", help="id, prompt-price, completion-price, context-window or release-time.")
    ] = "id",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """List models, where they are served and what they cost."""
    from services.cli import models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: actions.list_models(
            Caller("catalog", address, api_key),
            actions.models_request(
                search=search,
                provider=provider,
                capabilities=capability or (),
                min_context=min_context,
                max_prompt_price=max_prompt_price,
                max_completion_price=max_completion_price,
                current=current,
                everything=everything,
                order=order,
                reverse=reverse,
            ),
            as_json=as_json,
        )
    )


@models.command("show")
def show_model(
    model: Annotated[str, typer.Argument(help="An id or alias.")],
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a model: what it takes, where it is served, all its prices."""
    from services.cli import models as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.show_model(Caller("catalog", address, api_key), model, as_json=as_json))


@models.command("sync")
def sync_models(
    providers: Annotated[
        list[str] | None, typer.Argument(metavar="PROVIDER...", help="Whom to ask. Default: all that are set up.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make the catalog so, after asking.")] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Also take out what no provider lists any more.")
    ] = False,
    yes: Yes = False,
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show how the catalog differs from what providers list, and apply exactly that if asked to."""
    from services.cli import syncs as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: actions.sync(
            Caller("catalog", address, api_key),
            providers or (),
            apply=apply,
            remove_missing=remove_missing,
            yes=yes,
            as_json=as_json,
        )
    )


@models.command("syncs")
def list_syncs(address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """List what syncs have changed, newest first."""
    from services.cli import syncs as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.list_syncs(Caller("catalog", address, api_key), as_json=as_json))


@models.command("revert")
def revert_sync(
    sync_id: Annotated[str, typer.Argument(metavar="SYNC_ID", help="The latest that stands: see `models syncs`.")],
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Undo a sync: models become what they were before it."""
    from services.cli import syncs as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.revert(Caller("catalog", address, api_key), sync_id, as_json=as_json))
