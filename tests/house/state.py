"""Importing a module opens nothing and reads no settings."""

import ast
import re
from collections.abc import Iterator

from tests.house.source import Finding, Source

# Classes that hold a connection or the environment, by the way the field names them.
HOLDER = re.compile(r"^(?:[A-Z]\w*)?(?:Settings|Client|Session|Engine|Pool|Channel)$")
OPENERS = {
    "async_sessionmaker",
    "connect",
    "create_async_engine",
    "create_engine",
    "create_pool",
    "insecure_channel",
    "load_settings",
    "read_settings",
    "secure_channel",
    "sessionmaker",
}


def module_state(source: Source) -> Iterator[Finding]:
    """No engine, client, channel or settings object is made while a module under services/ is imported."""
    if source.tree is None or not source.under("services"):
        return
    for call in _calls_at_import(source.tree):
        name = _called(call)
        if name in OPENERS or HOLDER.match(name):
            yield Finding("module-state", source.path, call.lineno, f"{name}() at import; make it where it is wired")


def _calls_at_import(node: ast.AST) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_main_guard(child):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_at_import(child)


def _is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
