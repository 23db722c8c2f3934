"""The sandbox as a process of its own."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

import httpx2 as httpx

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


async def start(**settings: str) -> Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PANTHEON_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.sandbox"),
        env={**environment, "PANTHEON_ENV_FILE": "", **{f"PANTHEON_SANDBOX_{k}": v for k, v in settings.items()}},
        stdout=PIPE,
        stderr=PIPE,
    )


async def url_of(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        line = json.loads(await process.stdout.readline())
    assert line["event"] == "sandbox.listening"
    return str(line["url"])


async def ended(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(20):
        _, stderr = await process.communicate()
    return process.returncode, stderr.decode()


async def test_it_serves_on_the_port_it_names_and_stops_on_sigterm(http: httpx.AsyncClient) -> None:
    process = await start(LISTEN="127.0.0.1:0", TOKENS_PER_SECOND="0")
    try:
        url = await url_of(process)
        answer = await http.post(f"{url}/openai/v1/chat/completions", json=REQUEST)
        ready = await http.get(f"{url}/readyz")
    finally:
        process.send_signal(signal.SIGTERM)
        status, stderr = await ended(process)

    assert (answer.status_code, ready.status_code) == (200, 200)
    assert answer.headers["x-pantheon-sandbox"] == "true"
    assert status == 0
    assert "Traceback" not in stderr


async def test_a_wrong_setting_ends_it_with_a_line_that_names_it() -> None:
    status, stderr = await ended(await start(TOKENS_PER_SECOND="-1"))

    assert status == 1
    assert stderr.startswith("PANTHEON_SANDBOX_TOKENS_PER_SECOND: ")


async def test_a_taken_port_ends_it_with_a_line_that_names_it() -> None:
    first = await start(LISTEN="127.0.0.1:0")
    try:
        address = (await url_of(first)).removeprefix("http://")
        status, stderr = await ended(await start(LISTEN=address))
    finally:
        first.send_signal(signal.SIGTERM)
        await ended(first)

    assert status == 1
    assert f"PANTHEON_SANDBOX_LISTEN='{address}' can't be bound: Address already in use" in stderr
