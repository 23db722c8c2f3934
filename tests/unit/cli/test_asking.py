"""Questions at a terminal: what is typed, and what ends them."""

import asyncio
import signal
import sys

import pytest

from services.cli.running import INTERRUPTED

ASKING = """
import signal
from services.cli.asking import confirm
from services.cli.running import execute
# A shell in the background has its children ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
execute(lambda: confirm("Really?", yes=False))
"""
TIMEOUT_S = 20.0


async def asked() -> asyncio.subprocess.Process:
    """A process that has asked and waits for its standard input, which stays open."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASKING), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.stderr.readuntil(b"[y/N] ")
    return process


async def end_of(process: asyncio.subprocess.Process) -> int:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_ctrl_c_ends_a_question_without_another_line() -> None:
    process = await asked()
    process.send_signal(signal.SIGINT)
    assert await end_of(process) == INTERRUPTED


@pytest.mark.parametrize(("typed", "code"), ((b"y\n", 0), (b" YES \n", 0), (b"n\n", 1), (b"\n", 1), (b"", 1)))
async def test_only_a_yes_goes_on(typed: bytes, code: int) -> None:
    process = await asked()
    assert process.stdin is not None
    process.stdin.write(typed)
    process.stdin.close()
    assert await end_of(process) == code
