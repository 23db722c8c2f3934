"""`pantheon use-cases`."""

from typing import Annotated

import typer

from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress

use_cases = typer.Typer(help="What `auto/code` and the like stand for.", no_args_is_help=True)

UseCase = Annotated[str, typer.Argument(metavar="USE_CASE", help="general, code, fast, vision or long-context.")]


@use_cases.command("list")
def list_use_cases(address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """List what each stands for, for you, and who chose it."""
    from services.cli import use_cases as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.list_use_cases(Caller("catalog", address, api_key), as_json=as_json))


@use_cases.command("set")
def set_use_case(
    use_case: UseCase,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An id, an alias or custom/<slug>.")],
    provider: Annotated[str, typer.Option(help="Whose offer to prefer.", show_default=False)] = "",
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Choose for the organisation. For its administrators; your own choices are `pantheon settings`."""
    from services.cli import use_cases as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.choose(Caller("catalog", address, api_key), use_case, model, provider, as_json=as_json))


@use_cases.command("clear")
def clear_use_case(
    use_case: UseCase, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False
) -> None:
    """Take the organisation's choice back: Pantheon's own holds."""
    from services.cli import use_cases as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.take_back(Caller("catalog", address, api_key), use_case, as_json=as_json))
