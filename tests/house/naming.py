"""Names say what a thing is for."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.house.source import Finding, Source

SHAPELESS = {"util", "helper", "manager", "data", "misc", "common"}
SHAPELESS_CLASS = re.compile(r"(?:Manager|Helpers?|Utils?)$")


def module_name(source: Source) -> Iterator[Finding]:
    """No module or package is called utils, helper, manager or data, in no combination."""
    if source.tree is None:
        return
    words = {word.rstrip("s") if word != "data" else word for word in _words(source.path)}
    for word in sorted(words & SHAPELESS):
        yield Finding("module-name", source.path, 1, f"'{word}' says nothing; name the module after what it is for")


def class_name(source: Source) -> Iterator[Finding]:
    """No class is a Manager, Helper or Utils."""
    for node in source.nodes():
        if isinstance(node, ast.ClassDef) and SHAPELESS_CLASS.search(node.name):
            key = f"{source.path}::{node.name}"
            yield Finding("class-name", key, node.lineno, f"{node.name} says nothing; name it after what it does")


def _words(path: str) -> list[str]:
    return [word for part in PurePosixPath(path).with_suffix("").parts for word in part.lower().split("_")]
