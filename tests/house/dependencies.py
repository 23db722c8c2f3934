"""What the services may not be built on."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.source import Finding, Source

FORBIDDEN = {
    "anthropic": "vendor SDKs are the strict clients of the tests",
    "google.genai": "vendor SDKs are the strict clients of the tests",
    "httpx": "httpx2 is its maintained continuation: import httpx2 as httpx",
    "litellm": "two of its releases stole credentials",
    "openai": "vendor SDKs are the strict clients of the tests",
    "requests": "it blocks the event loop: import httpx2 as httpx",
}
OWN = {"services", "pantheon"}
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def forbidden_import(source: Source) -> Iterator[Finding]:
    """No vendor SDK and no abandoned or distrusted library under services/."""
    if not source.under("services"):
        return
    for node in source.nodes():
        for module in _imported(node):
            for name, reason in FORBIDDEN.items():
                if module == name or module.startswith(f"{name}."):
                    line = getattr(node, "lineno", 1)
                    yield Finding("forbidden-import", source.path, line, f"{name}: {reason}")


def undeclared_import(source: Source) -> Iterator[Finding]:
    """What services/ imports is a dependency of the project itself, not of its tests or of another library."""
    if not source.under("services"):
        return
    for node in source.nodes():
        for package in {module.partition(".")[0] for module in _imported(node)} - OWN - sys.stdlib_module_names:
            if not _distributions(package) & _declared():
                line = getattr(node, "lineno", 1)
                yield Finding("undeclared-import", source.path, line, f"{package}: not in pyproject's dependencies")


def _distributions(package: str) -> set[str]:
    return {canonicalize_name(name) for name in _installed().get(package, ())}


@cache
def _installed() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def _declared() -> set[str]:
    dependencies = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    return {canonicalize_name(Requirement(dependency).name) for dependency in dependencies}


def _imported(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {alias.name for alias in names}
        case ast.ImportFrom(module=str(module), names=names, level=0):
            # `from google import genai` names the module only together with its last part.
            whole = {f"{module}.{alias.name}" for alias in names} & FORBIDDEN.keys()
            return whole or {module}
    return set()
