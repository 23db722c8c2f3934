"""Files and functions stay small enough to be read in one sitting."""

import ast
from collections.abc import Iterator

from tests.house.source import Finding, Source

PYTHON_LINES = 400
PROTO_LINES = 700  # fully commented contracts are longer than code
FUNCTION_LINES = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def file_size(source: Source) -> Iterator[Finding]:
    """Hand-written Python has at most 400 lines, a proto 700."""
    limit = {"py": PYTHON_LINES, "proto": PROTO_LINES}.get(source.path.rpartition(".")[2])
    lines = source.text.count("\n")
    if limit is not None and lines > limit:
        yield Finding("file-size", source.path, 1, f"{lines} lines, {limit} allowed; it probably holds two ideas")


def function_size(source: Source) -> Iterator[Finding]:
    """A function under services/ fits a screen: 40 lines from its first statement to its last.

    Signature, decorators and docstring are not counted: a well documented function is not a long one.
    """
    if source.tree is None or not source.under("services"):
        return
    for name, function in _functions(source.tree, ""):
        lines = body_lines(function)
        if lines > FUNCTION_LINES:
            key = f"{source.path}::{name}"
            yield Finding("function-size", key, function.lineno, f"{name}: {lines} lines, {FUNCTION_LINES} allowed")


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or function.lineno) - body[0].lineno + 1 if body else 0


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}.{child.name}" if prefix else child.name
        if isinstance(child, Function):
            yield name, child
        yield from _functions(child, name)
