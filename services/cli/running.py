"""How a command ends: with its result, or with one clear line and an exit code."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT."""


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
    if code:
        sys.exit(code)
