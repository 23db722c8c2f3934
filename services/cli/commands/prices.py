"""`pantheon models price`."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress

From = Annotated[str, typer.Option("--from", metavar="WHEN", help="As 2026-12-01. Default: now.", show_default=False)]
Source = Annotated[str, typer.Option(metavar="TEXT", help="Where the figures come from.", show_default=False)]


class ShowingGroup(TyperGroup):
    """A group in which what is no command is something to show: `price gpt-4` is `price show gpt-4`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


price = typer.Typer(
    cls=ShowingGroup,
    help="What models cost: `price MODEL` shows it, with all dates.",
    no_args_is_help=True,
    subcommand_metavar="MODEL | COMMAND [ARGS]...",
)


@price.command("show")
def show_prices(
    model: Annotated[str, typer.Argument(help="An id or alias.")],
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Show what a model costs and has cost, and what the organisation pays instead; `show` may be left out."""
    from services.cli import prices as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.show_prices(Caller("catalog", address, api_key), model, as_json=as_json))


@price.command("set")
def set_price(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    endpoint: Annotated[str, typer.Argument(help="As `models price` shows it: openai:gpt-4.")],
    prompt: Annotated[str, typer.Option(metavar="USD", help="A million prompt tokens.")] = "",
    completion: Annotated[str, typer.Option(metavar="USD", help="A million completion tokens.")] = "",
    cached: Annotated[str, typer.Option(metavar="USD", help="A million tokens read from the cache.")] = "",
    cache_write: Annotated[str, typer.Option(metavar="USD", help="A million tokens written to the cache.")] = "",
    reasoning: Annotated[str, typer.Option(metavar="USD", help="A million reasoning tokens.")] = "",
    request: Annotated[str, typer.Option(metavar="USD", help="One request, beside its tokens.")] = "",
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Nobody knows; costs are unknown, not zero.")] = False,
    begin: From = "",
    source: Source = "",
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Say what an endpoint costs from some day on, unit by unit: what is left out has no price then."""
    from services.cli import prices as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    amounts = {
        "--prompt": prompt,
        "--completion": completion,
        "--cached": cached,
        "--cache-write": cache_write,
        "--reasoning": reasoning,
        "--request": request,
    }
    execute(
        lambda: actions.set_price(
            Caller("catalog", address, api_key),
            endpoint,
            actions.price_version(amounts, begin, source, unpriced=unpriced),
            as_json=as_json,
        )
    )


@price.command("override")
def override_price(  # noqa: PLR0913, PLR0917 - typer turns parameters into options
    provider: Annotated[str, typer.Argument(help="Whose prices.")],
    factor: Annotated[str, typer.Option(metavar="NUMBER", help="List prices times this; 1 ends an override.")],
    endpoint: Annotated[str, typer.Option(metavar="ID", help="Only this endpoint's.", show_default=False)] = "",
    organisation: Annotated[str, typer.Option(metavar="ID", help="Whose. Default: your own.", show_default=False)] = "",
    begin: From = "",
    source: Source = "",
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Say what an organisation pays instead of list prices from some day on. For the platform's administrators."""
    from services.cli import prices as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(
        lambda: actions.override_price(
            Caller("catalog", address, api_key),
            actions.price_override(provider, endpoint, organisation, factor, begin, source),
            as_json=as_json,
        )
    )
