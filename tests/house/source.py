"""What a rule looks at, and what it says."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

GENERATED = ("proto/gen/", "proto/third_party/")


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: `key` is what an exception in exceptions.toml names (the path, or path::function)."""

    rule: str
    key: str
    line: int
    message: str

    def __str__(self) -> str:
        """As editors and terminals link it: path:line."""
        return f"{self.key.partition('::')[0]}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """One committed text file; `tree` is None for everything but Python, and for Python that does not parse."""

    path: str
    text: str
    tree: ast.Module | None

    @classmethod
    def of(cls, path: str, text: str) -> "Source":
        """Parse `text` where the path says it is Python."""
        try:
            return cls(path, text, ast.parse(text, path) if path.endswith(".py") else None)
        except SyntaxError:
            return cls(path, text, None)

    def under(self, *folders: str) -> bool:
        """Whether the file lies in one of these top-level folders."""
        return PurePosixPath(self.path).parts[0] in folders

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the tree, none for what is not Python."""
        return iter(()) if self.tree is None else ast.walk(self.tree)


def committed(root: Path) -> Iterator[Source]:
    """Every hand-written text file that git tracks or would track.

    `safe.directory` is set because a checkout is often read by a user who does not own it.
    """
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    for path in sorted(set(filter(None, listing.split("\0")))):
        if path.startswith(GENERATED) or not (root / path).is_file():
            continue
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield Source.of(path, text)
