"""Every rule of the house catches what it forbids and lets pass what it allows."""

from pathlib import Path

import pytest

from tests.house.__main__ import EXCEPTIONS, RULES, findings
from tests.house.source import Source, committed

SERVICE = "services/router/engine.py"
TEST = "tests/unit/router/test_engine.py"


def lines(count: int) -> str:
    return "x = 1\n" * count


def function(statements: int, documented: str = "") -> str:
    return f"def f():\n{documented}" + "    x = 1\n" * statements


BREACHES = (
    ("class-name", SERVICE, "class LeaseManager: ..."),
    ("class-name", TEST, "class StreamHelper: ..."),
    ("file-size", SERVICE, lines(401)),
    ("file-size", TEST, lines(401)),
    ("file-size", "proto/pantheon/usage/v1/ledger.proto", "// a\n" * 701),
    ("forbidden-import", SERVICE, "import httpx"),
    ("forbidden-import", SERVICE, "from openai.types import chat"),
    ("forbidden-import", SERVICE, "from google import genai"),
    ("forbidden-import", SERVICE, "def f():\n    import litellm"),
    ("function-size", SERVICE, function(41)),
    ("function-size", SERVICE, f"class C:\n    async {function(41)}".replace("\n    x", "\n        x")),
    ("machine-path", "README.md", "look into /work/main"),
    ("machine-path", SERVICE, "state = '/tmp/pantheon'"),
    ("module-name", "services/router/utils.py", ""),
    ("module-name", "services/router/stream_helpers.py", ""),
    ("module-name", "services/data/rows.py", ""),
    ("module-state", SERVICE, "engine = create_async_engine(url)"),
    ("module-state", SERVICE, "settings: RouterSettings = RouterSettings()"),
    ("module-state", SERVICE, "class Store:\n    client = httpx.AsyncClient(timeout=1)"),
    ("module-state", SERVICE, "store = Store(grpc.aio.insecure_channel(target))"),
    ("sleep", TEST, "import time\ntime.sleep(1)"),
    ("sleep", TEST, "import asyncio as aio\nawait aio.sleep(0.1)"),
    ("sleep", TEST, "from asyncio import sleep as nap\nawait nap(1)"),
    ("sleep", "tests/conftest.py", "import time\ntime.sleep(pause)"),
    ("swallowed-error", SERVICE, "try:\n    f()\nexcept:\n    g()"),
    ("swallowed-error", TEST, "try:\n    f()\nexcept Exception:\n    pass"),
    ("swallowed-error", SERVICE, "try:\n    f()\nexcept (OSError, BaseException) as error:\n    ..."),
    ("syntax", SERVICE, "def f(:"),
    ("undeclared-import", SERVICE, "import pytest"),
    ("undeclared-import", SERVICE, "def f():\n    from yarl import URL"),
    ("unfinished", SERVICE, "# TODO: the rest"),
    ("unfinished", "deploy/compose.yaml", "# FIXME"),
    ("unfinished", SERVICE, "raise NotImplementedError"),
)

ALLOWED = (
    ("proto/pantheon/usage/v1/ledger.proto", "// a\n" * 700),
    ("services/sandbox/words.txt", lines(401)),
    (SERVICE, "import asyncio\nimport httpx2 as httpx\nfrom google.protobuf import message"),
    (SERVICE, "from services.router import requests"),
    (SERVICE, function(40, documented='    """Say.\n\n    More.\n    """\n')),
    (SERVICE, "def f():\n    return create_async_engine(Settings().url)"),
    (SERVICE, "if __name__ == '__main__':\n    serve(Settings())"),
    (SERVICE, "try:\n    f()\nexcept KeyError:\n    pass"),
    (SERVICE, "try:\n    f()\nexcept Exception as error:\n    log(error)"),
    ("README.md", "the docs are at https://example.com/work/flow and the file is ./work/x"),
    ("services/router/database.py", "class ManagerRole: ..."),
    (TEST, "import openai\nassert '/tmp/x'"),
    (TEST, function(41)),
    (TEST, "import asyncio\nawait asyncio.sleep(0)\nawait asyncio.sleep(pause)"),
)


def breaches(path: str, text: str) -> set[str]:
    return {finding.rule for finding in findings([Source.of(path, text)], {})}


@pytest.mark.parametrize(("rule", "path", "text"), BREACHES)
def test_a_planted_breach_is_found(rule: str, path: str, text: str) -> None:
    assert rule in breaches(path, text)


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_what_the_rules_allow_passes(path: str, text: str) -> None:
    assert breaches(path, text) == set()


def test_every_rule_has_a_planted_breach() -> None:
    planted = {rule.replace("-", "_") for rule, _, _ in BREACHES}
    assert planted == {rule.__name__ for rule in RULES}


def test_a_finding_reads_as_path_line_rule_message() -> None:
    (finding,) = findings([Source.of(SERVICE, "\n" + function(41))], {})
    assert str(finding) == f"{SERVICE}:2: function-size: f: 41 lines, 40 allowed"


def test_an_exception_excuses_its_place_only() -> None:
    sources = [Source.of(SERVICE, function(41) + function(41).replace("f()", "g()"))]
    left = list(findings(sources, {"function-size": {f"{SERVICE}::f": "a table of cases"}}))
    assert [finding.key for finding in left] == [f"{SERVICE}::g"]


def test_an_exception_nobody_needs_is_a_finding() -> None:
    (finding,) = findings([Source.of(SERVICE, "")], {"file-size": {SERVICE: "was long once"}})
    assert finding.rule == "unused-exception"


def test_the_checkout_is_read_without_what_git_ignores_or_tools_generate() -> None:
    paths = {source.path for source in committed(EXCEPTIONS.parents[2])}
    assert "pyproject.toml" in paths
    assert Path(__file__).relative_to(EXCEPTIONS.parents[2]).as_posix() in paths
    assert not [path for path in paths if path.startswith((".venv/", "proto/gen/"))]
