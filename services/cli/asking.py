"""Questions before something is done that cannot simply be taken back."""

import asyncio
import sys

from services.cli.running import CommandFailed


async def confirm(question: str, *, yes: bool) -> None:
    """Goes on where `yes` is said already, or typed now. Raises CommandFailed for any other answer, and for none."""
    if yes:
        return
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    typed = (await asyncio.to_thread(sys.stdin.readline)).strip().lower()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    if typed not in ("y", "yes"):
        raise CommandFailed("nothing was changed; --yes goes on without asking")
