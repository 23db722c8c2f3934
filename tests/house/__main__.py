"""`python -m tests.house`: one line per finding; exit 1 if there is any."""

import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.house.dependencies import forbidden_import, undeclared_import
from tests.house.handling import swallowed_error
from tests.house.naming import class_name, module_name
from tests.house.sizes import file_size, function_size
from tests.house.sleeping import sleep
from tests.house.source import Finding, Source, committed
from tests.house.state import module_state
from tests.house.wording import machine_path, syntax, unfinished

Rule = Callable[[Source], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    class_name,
    file_size,
    forbidden_import,
    function_size,
    machine_path,
    module_name,
    module_state,
    sleep,
    swallowed_error,
    syntax,
    undeclared_import,
    unfinished,
)
ROOT = Path(__file__).resolve().parents[2]
EXCEPTIONS = Path(__file__).with_name("exceptions.toml")

Exceptions = dict[str, dict[str, str]]


def findings(sources: Iterable[Source], exceptions: Exceptions) -> Iterator[Finding]:
    """All breaches but the excepted ones, then the exceptions that except nothing."""
    unused = {(rule, key) for rule, keys in exceptions.items() for key in keys}
    for source in sources:
        for rule in RULES:
            for finding in rule(source):
                if finding.key in exceptions.get(finding.rule, {}):
                    unused.discard((finding.rule, finding.key))
                else:
                    yield finding
    for rule_name, key in sorted(unused):
        yield Finding("unused-exception", "tests/house/exceptions.toml", 1, f"{rule_name}: {key} keeps to the rule")


def main() -> int:
    """Check the checkout this file lies in."""
    exceptions: Exceptions = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    found = list(findings(committed(ROOT), exceptions))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
