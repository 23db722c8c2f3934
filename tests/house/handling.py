"""Errors are handled, not hidden."""

import ast
from collections.abc import Iterator

from tests.house.source import Finding, Source

EVERYTHING = {"Exception", "BaseException"}


def swallowed_error(source: Source) -> Iterator[Finding]:
    """No bare `except:`, and no handler that catches everything and does nothing."""
    for node in source.nodes():
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield Finding("swallowed-error", source.path, node.lineno, "bare except: name what can go wrong")
        elif _names(node.type) & EVERYTHING and all(map(_does_nothing, node.body)):
            yield Finding("swallowed-error", source.path, node.lineno, "every error caught, none handled")


def _names(expression: ast.expr) -> set[str]:
    parts = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    return {ast.unparse(part).rpartition(".")[2] for part in parts}


def _does_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass | ast.Continue)
