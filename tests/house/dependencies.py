"""What the services may not be built on."""

import ast
from collections.abc import Iterator

from tests.house.source import Finding, Source

FORBIDDEN = {
    "anthropic": "vendor SDKs are the strict clients of the tests",
    "google.genai": "vendor SDKs are the strict clients of the tests",
    "httpx": "httpx2 is its maintained continuation: import httpx2 as httpx",
    "litellm": "two of its releases stole credentials",
    "openai": "vendor SDKs are the strict clients of the tests",
    "requests": "it blocks the event loop: import httpx2 as httpx",
}


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


def _imported(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {alias.name for alias in names}
        case ast.ImportFrom(module=str(module), names=names, level=0):
            # `from google import genai` names the module only together with its last part.
            whole = {f"{module}.{alias.name}" for alias in names} & FORBIDDEN.keys()
            return whole or {module}
    return set()
