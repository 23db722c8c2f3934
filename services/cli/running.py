"""How a command ends: with its result, or with one clear line and an exit code."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from services.runtime.errors import PantheonError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""
WRONG_INPUT = 2
"""Exit code of what was refused before anybody was asked."""


class CommandFailed(Exception):
    """Ends the command; the message is for the person at the terminal."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def execute(command: Callable[[], Coroutine[Any, Any, int | None]]) -> None:
    """Runs what `command` returns to its end. Its result is the exit code; None is success."""
    try:
        code = asyncio.run(command())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except CommandFailed as failure:
        sys.stderr.write(f"pantheon: {failure}\n")
        sys.exit(failure.exit_code)
    except PantheonError as error:
        # What is read here as a service would read it, and refused as one would.
        sys.stderr.write(f"pantheon: {error.message}\n")
        sys.exit(WRONG_INPUT)
    if code:
        sys.exit(code)
