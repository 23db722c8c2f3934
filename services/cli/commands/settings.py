"""`pantheon settings`."""

from typing import Annotated

import typer

from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress

settings = typer.Typer(help="Your own settings: model, parameters, use cases.", no_args_is_help=True)

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="preferred_model, temperature, max_tokens ..., use_cases.code ...")
]


@settings.command("show")
def show_settings(address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Show what you have chosen."""
    from services.cli import user_settings as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.show(Caller("catalog", address, api_key), as_json=as_json))


@settings.command("set", context_settings={"ignore_unknown_options": True})
def set_setting(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A model; of a parameter a number.")],
    provider: Annotated[str, typer.Option(help="Of a use case: whose offer to prefer.", show_default=False)] = "",
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Choose one thing. Takes effect within a second."""
    from services.cli import user_settings as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.change(Caller("catalog", address, api_key), key, value, provider, as_json=as_json))


@settings.command("clear")
def clear_setting(key: Key, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Take one choice back: the next one in the order of precedence holds."""
    from services.cli import user_settings as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.clear(Caller("catalog", address, api_key), key, as_json=as_json))
