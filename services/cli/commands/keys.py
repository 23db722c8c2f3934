"""`pantheon keys`."""

from typing import Annotated

import typer

from services.cli.commands.provider_keys import provider_keys
from services.cli.options import AUTH, CATALOG, ApiKey, AsJson, AuthAddress

keys = typer.Typer(help="API keys, keys for providers, and the key that secrets are kept under.", no_args_is_help=True)
keys.add_typer(provider_keys, name="provider")


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


@keys.command("rotate-master")
def rotate_master_key(
    auth_address: Annotated[
        str, typer.Option(envvar="PANTHEON_AUTH_ADDRESS", metavar="HOST:PORT", help="The auth service.")
    ] = AUTH,
    catalog_address: Annotated[
        str, typer.Option(envvar="PANTHEON_CATALOG_ADDRESS", metavar="HOST:PORT", help="The catalog service.")
    ] = CATALOG,
    api_key: ApiKey = "",
    as_json: AsJson = False,
) -> None:
    """Seal all secrets anew under the first key of PANTHEON_MASTER_KEY, so that the others can be taken out of it."""
    from services.cli.calling import Caller
    from services.cli.master_key import rotate
    from services.cli.running import execute

    auth, catalog = Caller("auth service", auth_address, api_key), Caller("catalog", catalog_address, api_key)
    execute(lambda: rotate(auth, catalog, as_json=as_json))
