"""Keys for providers and the master key, as somebody types it; the providers are simulated."""

import asyncio
import os
import pty
import sys
from uuid import uuid4

from tests.fixtures.commands import TIMEOUT_S, answer, environment, pantheon
from tests.fixtures.deployments import Deployment


def fresh() -> str:
    return f"sk-canary-{uuid4().hex}"


async def test_a_key_is_piped_in_listed_checked_and_removed(deployment: Deployment) -> None:
    secret = fresh()
    added = await pantheon(
        deployment, "keys", "provider", "add", "anthropic", "-", "--label", "[team]", "--json", typed=f"{secret}\n"
    )
    assert added.returncode == 0, added.stderr
    listed = await answer(deployment, "keys", "provider", "list", "anthropic")
    (key,) = [key for key in listed if key["label"] == "[team]"]
    assert (key["provider"], key["last_four"], key["source"], key["status"]) == (
        "anthropic",
        secret[-4:],
        "api",
        "valid",
    )
    try:
        checked = await answer(deployment, "keys", "provider", "check", key["id"])
        assert checked["status"] == "valid"
        table = (await pantheon(deployment, "keys", "provider", "list", "anthropic")).stdout
        assert "[team]" in table
        assert "sandbox" in table, "the simulated provider's own"
        assert secret not in added.stdout + added.stderr + table
    finally:
        assert await answer(deployment, "keys", "provider", "remove", key["id"]) == {"id": key["id"]}
    gone = await pantheon(deployment, "keys", "provider", "remove", key["id"])
    assert (gone.returncode, gone.stdout) == (1, "")
    assert key["id"] in gone.stderr


async def test_a_key_the_provider_refuses_is_not_set(deployment: Deployment) -> None:
    run = await pantheon(deployment, "keys", "provider", "add", "gemini", "-", typed="sk-invalid-canary")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "pantheon: gemini refuses this key (400)\n"


async def test_a_secret_is_no_argument(deployment: Deployment) -> None:
    run = await pantheon(deployment, "keys", "provider", "add", "openai", "sk-canary")
    assert run.returncode == 2
    assert "canary" not in run.stderr
    for arguments, typed in ((("openai",), "sk-canary"), (("openai", "-"), " \n")):
        run = await pantheon(deployment, "keys", "provider", "add", *arguments, typed=typed)
        assert (run.returncode, run.stdout) == (2, "")


async def test_a_secret_that_is_typed_is_not_shown(deployment: Deployment) -> None:
    secret = fresh()
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "keys", "provider", "add", "openrouter", "--platform-wide", "--json"),
        env={**environment(deployment), "TERM": "dumb"},
        stdin=end,
        stdout=asyncio.subprocess.PIPE,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    reading = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            shown = await reading.run_in_executor(None, os.read, terminal, 100)
            os.write(terminal, f"{secret}\n".encode())
            stdout, _ = await process.communicate()
            shown += await reading.run_in_executor(None, os.read, terminal, 1_000)
    finally:
        os.close(terminal)
    assert process.returncode == 0
    assert shown.strip() == b"secret:"
    assert secret not in stdout.decode()
    (key,) = [
        key for key in await answer(deployment, "keys", "provider", "list", "openrouter") if key["source"] == "api"
    ]
    assert key["organisation_id"] is None
    await answer(deployment, "keys", "provider", "remove", key["id"])


async def test_the_master_key_is_rotated_in_every_service_that_has_it(deployment: Deployment) -> None:
    auth, catalog = await answer(deployment, "keys", "rotate-master")
    assert (auth["service"], auth["resealed"], auth["current"]) == ("auth", 0, 1)
    assert (catalog["service"], catalog["resealed"]) == ("catalog", 0)
    table = (await pantheon(deployment, "keys", "rotate-master")).stdout
    assert "sealed anew" in table
