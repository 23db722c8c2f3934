"""JSON documents from files and pipes; secrets from anywhere but the command line, which others can read."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from services.cli.running import WRONG_INPUT, CommandFailed
from services.edge.rest.bodies import parse_object
from services.edge.rest.members import Members
from services.runtime.errors import MalformedBody

STDIN = "-"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: of `prompt`, `stdin`, `variable` (its name) and `none` at most one.

    `option` is what the options' names begin with, if there are options: "--api-key" for --api-key-prompt,
    --api-key-stdin, --api-key-variable. `called` is what to ask for.
    """

    option: str = ""
    called: str = "API key"
    prompt: bool = False
    stdin: bool = False
    variable: str = ""
    none: bool = False

    def read(self, document: str = "") -> str | None:
        """The secret; empty: there is to be none; None: nothing is said of it. `document` is what else is read.

        Raises:
            CommandFailed: several sources are named, or the one has no secret.
        """
        if sum((self.prompt, self.stdin, bool(self.variable), self.none)) > 1:
            raise CommandFailed(f"{self.option}-...: one of these options at most", WRONG_INPUT)
        if self.stdin and document == STDIN:
            raise CommandFailed(f"{self.option}-stdin: the document comes from standard input already", WRONG_INPUT)
        if self.none:
            return ""
        if self.prompt:
            return self._given("prompt", getpass.getpass(f"{self.called}: "), "what was typed")
        if self.stdin:
            return self._given("stdin", sys.stdin.readline(), "standard input")
        if self.variable:
            return self._given("variable", os.environ.get(self.variable, ""), self.variable)
        return None

    def _given(self, source: str, text: str, where: str) -> str:
        secret = text.strip()
        if not secret:
            place = f"{self.option}-{source}: " if self.option else ""
            raise CommandFailed(f"{place}{where} is empty", WRONG_INPUT)
        return secret


def read_document(path: str) -> Members:
    """The members of the JSON object in a file; "-": in standard input; empty: of none. Raises CommandFailed."""
    if not path:
        return Members({})
    shown = "standard input" if path == STDIN else path
    try:
        return parse_object(sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes())
    except OSError as error:
        raise CommandFailed(f"{shown} cannot be read: {error.strerror}", WRONG_INPUT) from None
    except MalformedBody as error:
        raise CommandFailed(f"{shown} cannot be read: {error.metadata['detail']}", WRONG_INPUT) from None
