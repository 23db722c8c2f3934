"""A provider is a row of data: no code of the router knows one by name, and what shields real keys knows them all."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalog.seed.load import load_providers

ROOT = Path(__file__).resolve().parents[2]
FORMATS = {"openai", "anthropic", "gemini"}
"""Names of wire formats, too, whose modules and dialects the code does have."""


def routed_files() -> list[Path]:
    return sorted((ROOT / "services" / "router").rglob("*.py"))


def compared(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts that something is compared with, matched against or looked up by, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides: list[ast.expr] = [node.left, *node.comparators]
            case ast.MatchValue():
                sides = [node.value]
            case ast.Dict():
                sides = [key for key in node.keys if key is not None]
            case ast.Subscript():
                sides = [node.slice]
            case ast.Call(func=ast.Attribute(attr="get" | "startswith" | "endswith")):
                sides = node.args
            case _:
                continue
        for constant in (part for side in sides for part in ast.walk(side)):
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                yield constant.lineno, constant.value


def code_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """All texts of the code but its docstrings."""
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.lineno, node.value


def test_the_router_asks_for_no_provider_by_name() -> None:
    names = {row.name for row in load_providers()}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in routed_files()
        for line, text in compared(ast.parse(path.read_text(encoding="utf-8")))
        if text.lower() in names
    ]
    assert found == []


def test_no_provider_s_name_or_address_is_a_text_of_the_router_s_code() -> None:
    rows = load_providers()
    names = {row.name for row in rows} - FORMATS
    hosts = {row.base_url.partition("//")[2].partition("/")[0] for row in rows} - {""}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}"
        for path in routed_files()
        for line, text in code_texts(ast.parse(path.read_text(encoding="utf-8")))
        if text.lower() in names or any(host in text for host in hosts)
    ]
    assert found == []


@pytest.mark.parametrize("target", ("demo", "test", "bench"))
def test_make_hides_every_provider_s_variables_from_what_may_spend_nothing(target: str) -> None:
    make = shutil.which("make")
    assert make is not None
    command = subprocess.run(
        [make, "--dry-run", "--assume-old=.venv/.ready", target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    hidden = {part for previous, part in zip(command.split(), command.split()[1:], strict=False) if previous == "-u"}
    rows = load_providers()
    assert hidden == {name for row in rows for name in (row.key_variable, row.base_url_variable) if name}
