"""Questions before something is done that cannot simply be taken back."""

import asyncio
import sys

from services.cli.running import CommandFailed


async def typed_line() -> str:
    """The next line of standard input; empty at its end.

    No thread reads it, for which the end of the command would wait: Ctrl-C need not be followed by a line.
    """
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(sys.stdin, ready.set)
    except (OSError, ValueError):
        return sys.stdin.readline()  # a file, which nobody types: it is there at once
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


async def confirm(question: str, *, yes: bool) -> None:
    """Goes on where `yes` is said already, or typed now. Raises CommandFailed for any other answer, and for none."""
    if yes:
        return
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    typed = (await typed_line()).strip().lower()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    if typed not in ("y", "yes"):
        raise CommandFailed("nothing was changed; --yes goes on without asking")
