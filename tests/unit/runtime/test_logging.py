"""What a process writes to its log: in a process of its own, since logging is set up once for a whole one."""

import json
import subprocess
import sys
from typing import Any

import pytest

SECRET = "pan-verysecretkey"
PROMPT = "tell nobody of this"

FAILING = f"""
import logging
from services.runtime.logging import get_logger

def answer(api_key, prompt):
    messages = [prompt]
    raise RuntimeError("the provider is gone")

try:
    answer("".join({list(SECRET)!r}), "".join({list(PROMPT)!r}))
except RuntimeError:
    get_logger().exception("relay.failed", attempt=2)
    logging.getLogger("a.library").exception("it broke")
"""
SPEAKING = """
from services.runtime.logging import bind_request, get_logger
get_logger().debug("one.detail")
get_logger().info("one.thing")
bind_request("request-7")
get_logger().warning("one.doubt", seconds=3)
"""


def logged(script: str, *, level: str = "info", form: str = "json") -> str:
    """What the script writes to stderr; it may write nothing else."""
    setup = f"from services.runtime.logging import configure\nconfigure('router', {level!r}, {form!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", setup + script], capture_output=True, text=True, timeout=60, check=True
    )
    assert not done.stdout
    return done.stderr


def lines(script: str, level: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged(script, level=level).splitlines()]


@pytest.mark.parametrize("form", ("json", "console"))
def test_a_traceback_shows_no_local_variable(form: str) -> None:
    output = logged(FAILING, form=form)
    assert output.count("RuntimeError: the provider is gone") == 2, "the program's and the library's"
    assert "in answer" in output
    assert SECRET not in output
    assert PROMPT not in output


@pytest.mark.parametrize(
    ("level", "events"),
    (
        ("debug", ["one.detail", "one.thing", "one.doubt"]),
        ("info", ["one.thing", "one.doubt"]),
        ("warning", ["one.doubt"]),
        ("error", []),
    ),
)
def test_less_than_the_level_is_left_out(level: str, events: list[str]) -> None:
    assert [line["event"] for line in lines(SPEAKING, level)] == events


def test_a_line_says_which_service_and_for_which_request() -> None:
    before, within = lines(SPEAKING, "info")
    assert "request_id" not in before
    assert (within["service"], within["request_id"]) == ("router", "request-7")
    assert (within["level"], within["seconds"]) == ("warning", 3)
