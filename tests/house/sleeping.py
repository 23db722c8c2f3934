"""Tests wait for what they wait for."""

import ast
from collections.abc import Iterator

from tests.house.source import Finding, Source


def sleep(source: Source) -> Iterator[Finding]:
    """No time.sleep and no asyncio.sleep(<number>) in tests, except sleep(0), which only gives way."""
    if source.tree is None or not source.under("tests"):
        return
    origins = _origins(source)
    for node in source.nodes():
        if not isinstance(node, ast.Call):
            continue
        name, _, attribute = ast.unparse(node.func).partition(".")
        called = ".".join(filter(None, (origins.get(name, name), attribute)))
        if called == "time.sleep" or (called == "asyncio.sleep" and _is_a_wait(node)):
            yield Finding("sleep", source.path, node.lineno, f"{called}: await the event, with a deadline")


def _origins(source: Source) -> dict[str, str]:
    """Local name -> what it was imported as: {"sleep": "time.sleep", "aio": "asyncio"}."""
    found: dict[str, str] = {}
    for node in source.nodes():
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _is_a_wait(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Constant) and argument.value != 0 for argument in call.args)
