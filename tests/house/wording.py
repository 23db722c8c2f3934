"""What may not stand in a committed text."""

import re
from collections.abc import Iterator

from tests.house.source import Finding, Source

UNFINISHED = re.compile(r"\b(?:TODO|FIXME)\b")
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|tmp|root)/")


def syntax(source: Source) -> Iterator[Finding]:
    """Python is Python of the oldest version supported, or the other rules could not read it."""
    if source.path.endswith(".py") and source.tree is None:
        yield Finding("syntax", source.path, 1, "does not parse; `make check-lint` says where")


def unfinished(source: Source) -> Iterator[Finding]:
    """Nothing is left for later in the text: no such marks, no NotImplementedError under services/."""
    if source.under("tests") and source.path.startswith("tests/house/"):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if mark := UNFINISHED.search(line):
            yield Finding("unfinished", source.path, number, f"{mark[0]}: do it or leave it out")
        elif source.under("services") and "NotImplementedError" in line:
            yield Finding("unfinished", source.path, number, "NotImplementedError: build it, or declare it abstract")


def machine_path(source: Source) -> Iterator[Finding]:
    """No path of somebody's machine outside the tests."""
    if source.under("tests"):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if path := MACHINE_PATH.search(line):
            yield Finding("machine-path", source.path, number, f"{path[0]} is a place on one machine")
