"""`pantheon keys provider`."""

from typing import Annotated

import typer

from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress

provider_keys = typer.Typer(help="Keys for providers.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `pantheon keys provider list` shows it.")]


@provider_keys.command("add")
def add_key(
    provider: Annotated[str, typer.Argument(help="Its name, as openrouter.")],
    secret: Annotated[
        str,
        typer.Argument(metavar="[-]", help="-: read the secret from standard input. Default: ask.", show_default=False),
    ] = "",
    label: Annotated[str, typer.Option(help="What to call it.", show_default=False)] = "",
    platform_wide: Annotated[
        bool, typer.Option("--platform-wide", help="For everybody whose organisation has no key of its own.")
    ] = False,
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Set a key for your organisation, once the provider has said that it takes it."""
    from services.cli import provider_keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    caller = Caller("catalog", address, api_key)
    execute(
        lambda: actions.add(
            caller, provider, actions.read_secret(secret), label, platform_wide=platform_wide, as_json=as_json
        )
    )


@provider_keys.command("list")
def list_keys(
    provider: Annotated[str, typer.Argument(help="Only this provider's.", show_default=False)] = "",
    address: CatalogAddress = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """List keys, without their secrets, and what providers said of them."""
    from services.cli import provider_keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.list_keys(Caller("catalog", address, api_key), provider, as_json=as_json))


@provider_keys.command("check")
def check_key(key_id: KeyId, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Ask the provider again whether it takes a key; exit 1 where it does not."""
    from services.cli import provider_keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.check(Caller("catalog", address, api_key), key_id, as_json=as_json))


@provider_keys.command("remove")
def remove_key(key_id: KeyId, address: CatalogAddress = CATALOG, api_key: ApiKey = "", as_json: AsJson = False) -> None:
    """Remove a key. One from the environment has to be taken out there."""
    from services.cli import provider_keys as actions
    from services.cli.calling import Caller
    from services.cli.running import execute

    execute(lambda: actions.remove(Caller("catalog", address, api_key), key_id, as_json=as_json))
