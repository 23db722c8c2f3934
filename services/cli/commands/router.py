"""`pantheon router`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import CATALOG, USAGE

router = typer.Typer(help="What routers leave behind.", no_args_is_help=True)


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
