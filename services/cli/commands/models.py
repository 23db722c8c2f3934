"""`pantheon models`."""

from typing import Annotated

import typer

from services.cli.options import CATALOG, ApiKey, AsJson, CatalogAddress


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
