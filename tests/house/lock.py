"""`python -m tests.house.lock`: the lock files meet pyproject.toml, agree with each other and hold no address.

Works without a network: it compares what is written, it does not resolve anew.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
ADDRESS = re.compile(r"://|^\s*--(?:index-url|extra-index-url|find-links)", re.MULTILINE)


def pins(lock: str) -> dict[str, set[str]]:
    """Distribution -> pinned versions (several where they differ by platform or Python)."""
    found: dict[str, set[str]] = {}
    for pin in PIN.finditer(lock):
        found.setdefault(canonicalize_name(pin["name"]), set()).add(pin["version"])
    return found


def unmet(requirements: list[str], pinned: dict[str, set[str]]) -> Iterator[str]:
    """The requirements that no pin satisfies."""
    for requirement in map(Requirement, requirements):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(version, prereleases=True) for version in versions):
            yield f"{requirement} is not met (pinned: {', '.join(sorted(versions)) or 'nothing'}); run make lock"


def complaints(project: str, runtime_lock: str, dev_lock: str) -> Iterator[str]:
    """Everything wrong with the two locks, a line each."""
    declared = tomllib.loads(project)
    runtime, dev = pins(runtime_lock), pins(dev_lock)
    dependencies: list[str] = declared["project"]["dependencies"]
    for name, pinned, requirements in (
        ("requirements.lock", runtime, dependencies),
        ("requirements-dev.lock", dev, dependencies + declared["dependency-groups"]["dev"]),
    ):
        for line in unmet(requirements, pinned):
            yield f"{name}:1: {line}"
    for name in sorted(name for name, versions in runtime.items() if dev.get(name) != versions):
        yield f"requirements-dev.lock:1: {name} differs from requirements.lock; run make lock"
    for name, text in (("requirements.lock", runtime_lock), ("requirements-dev.lock", dev_lock)):
        if ADDRESS.search(text):
            yield f"{name}:1: holds an address; the lock says what, the installer's own settings say where from"


def main() -> int:
    """Check the checkout this file lies in."""
    texts = [(ROOT / name).read_text() for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock")]
    found = list(complaints(*texts))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
