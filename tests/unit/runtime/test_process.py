"""A process that is told to stop."""

import signal
import subprocess
import sys

import pytest

STARTING = """
import asyncio
from services.runtime.process import Process, run
from services.runtime.settings import ServiceSettings

async def closed():
    print("closed", flush=True)

async def serve():
    async with Process(settings, "test") as process:
        process.on_stop(closed)
        print("waiting", flush=True)
        await asyncio.Event().wait()

settings = ServiceSettings()
run(serve, settings, "test")
"""


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_it_leaves_in_peace_while_it_still_starts(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            process.send_signal(number)
            rest, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (rest, process.returncode) == ("closed\n", 0)
