"""`pantheon service-keys`: identities for services that are not run by `pantheon up`."""

from pathlib import Path

from services.cli.output import console
from services.cli.running import CommandFailed
from services.local.stack import SIGNING_SERVICES
from services.runtime import identity


async def make_service_keys(directory: Path) -> None:
    """Makes what is missing, and the trust file of all public halves."""
    try:
        identity.generate(directory, SIGNING_SERVICES)
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{directory}: {error}") from None
    files = ", ".join(f"{name}.jwk" for name in SIGNING_SERVICES)
    console().print(f"{directory}: {files} (each for its own service alone), trust.json (for all)")
