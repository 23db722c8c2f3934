"""The commands of `pantheon` against a running stack, as somebody types them."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.fixtures.commands import TIMEOUT_S, Finished, answer, environment, pantheon
from tests.fixtures.deployments import Deployment
from tests.fixtures.eventually import eventually


@pytest.fixture
def model() -> str:
    """An unlisted one that no other test asks for."""
    return f"acme/{uuid4().hex}"


async def test_chat_prints_the_answer_and_beside_it_what_it_cost(deployment: Deployment) -> None:
    run = await pantheon(deployment, "chat", "How are you?", "--max-tokens", "20")
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()
    assert "openai/gpt-4-turbo via openai (sandbox)" in run.stderr
    assert "$0.000" in run.stderr


async def test_chat_reads_a_pipe_and_the_ledger_has_it(deployment: Deployment, model: str) -> None:
    run = await pantheon(deployment, "chat", "-m", model, "--tag", "team=search", "--json", typed="from a pipe")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert "from a pipe" in told["text"]
    assert told["cost"] is None
    (row,) = await eventually(lambda: deployment.rows(model))
    assert row.request_id == told["request_id"]
    assert row.tags == {"team": "search"}

    (shown,) = await answer(deployment, "usage", "rows", "--request", told["request_id"])
    assert (shown["model"], shown["state"], shown["cost"]) == (model, "settled", None)
    report = await answer(deployment, "usage", "report", "--model", model, "--by", "model", "--by", "tag:team")
    assert report["rows"][0]["keys"] == [model, "search"]
    assert report["totals"]["unpriced_requests"] == 1
    table = (await pantheon(deployment, "usage", "report", "--model", model)).stdout
    assert "unpriced" in table
    assert "$" not in table


async def test_a_conversation_at_a_terminal_remembers_what_was_said(deployment: Deployment, model: str) -> None:
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "chat", "-m", model),
        env={**environment(deployment), "TERM": "dumb"},
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    # One line each; the empty one says goodbye.
    os.write(terminal, b"What is a lease?\nAnd a ledger?\n\n")
    async with asyncio.timeout(TIMEOUT_S):
        assert await process.wait() == 0
    os.close(terminal)
    rows = await eventually(lambda: when(deployment, model, 2))
    second, first = rows
    assert second.prompt_tokens > first.prompt_tokens + first.completion_tokens


async def when(deployment: Deployment, model: str, count: int) -> Any:
    rows = await deployment.rows(model)
    assert len(rows) == count
    return rows


async def test_a_key_works_until_it_is_revoked(deployment: Deployment) -> None:
    made = await answer(deployment, "keys", "create", "for a moment", "--scope", "inference", "--expires", "1d")
    assert made["key"]["scopes"] == ["inference"]
    assert made["key"]["expire_time"]
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://{deployment.ports.address('http')}/v1/models"

        async def status() -> int:
            return (await client.get(url, headers={"authorization": f"Bearer {made['secret']}"})).status_code

        assert await status() == 200
        listed = await answer(deployment, "keys", "list")
        assert made["key"]["id"] in {key["id"] for key in listed}
        revoked = await answer(deployment, "keys", "revoke", made["key"]["id"])
        assert revoked["revoke_time"]

        async def refused() -> bool:
            return await status() == 401

        await eventually(refused, timeout=1.0)
    assert made["key"]["id"] not in {key["id"] for key in await answer(deployment, "keys", "list")}


async def test_verify_says_that_all_is_well(deployment: Deployment) -> None:
    async def well() -> Finished:
        run = await pantheon(deployment, "usage", "verify")
        # Completions of other tests may be on their way.
        assert "dead letters 0, open attempts 0, discrepancies 0" in run.stdout
        return run

    assert (await eventually(well, timeout=20)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        (("chat", "hi", "-m", "gpt-44"), "No model 'gpt-44' is known"),
        (("usage", "verify", "--api-key", "pan-wrong"), "The token or API key is not valid"),
        (("usage", "report", "--address", "127.0.0.1:9"), "can't be reached; is `pantheon up` running?"),
        (("usage", "report", "--since", "yesterday"), "--since: 'yesterday' is not allowed"),
        (("usage", "report", "--by", "mood"), "--by: 'mood' is not allowed"),
        (("keys", "revoke", "01a20000-0000-7000-8000-000000000000"), "There is no"),
    ),
)
async def test_what_goes_wrong_is_one_clear_line(deployment: Deployment, arguments: tuple[str, ...], told: str) -> None:
    run = await pantheon(deployment, *arguments)
    assert run.returncode in (1, 2)
    assert run.stdout == ""
    assert run.stderr.startswith("pantheon: ")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1


async def test_service_keys_are_made_once(deployment: Deployment, tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    assert (await pantheon(deployment, "service-keys", str(directory))).returncode == 0
    names = {"catalog.jwk", "router.jwk", "trust.json", "usage.jwk"}
    assert {path.name for path in directory.iterdir()} == names
    kept = (directory / "router.jwk").read_bytes()
    assert (directory / "router.jwk").stat().st_mode & 0o077 == 0
    assert (await pantheon(deployment, "service-keys", str(directory))).returncode == 0
    assert (directory / "router.jwk").read_bytes() == kept
