"""A router that is killed amid its work loses nothing that was billed, and books nothing twice."""

import asyncio
import contextlib
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.local.errors import StartError
from services.local.stack import Stack
from tests.fixtures.deployments import Deployment, deployment_of, private_stack
from tests.fixtures.eventually import eventually
from tests.fixtures.load import Told, complete_over_http, each_once, requests_of, verified

Kill = Callable[[], Awaitable[object]]

KILLS = 20
STREAMS = 50
PIECES_OF_A_ROUND = 2_800


@pytest.mark.proof
@pytest.mark.timeout(240)
async def test_kill_9_amid_50_streams_and_a_replay_of_the_last(server_directory: Path) -> None:
    luck = random.Random(20)
    told = Told()
    async with private_stack(server_directory / "stack", first_token_ms=20, tokens_per_second=120) as stack:
        deployment, router = deployment_of(stack), stack.services["router"]
        for number in range(KILLS):
            await kill_amid_streams(deployment, told, luck.randrange(PIECES_OF_A_ROUND), router.kill)
            if number % 5 == 2:
                # Once more before it is ready: the repair must bear a crash, too.
                with contextlib.suppress(StartError):
                    await router.start(timeout=luck.uniform(0.3, 1.5))
            await router.start()
        rows = await each_once(deployment, timeout=30)
        await verified(deployment)
        await kill_amid_streams(deployment, told, STREAMS, router.kill)
        replayed = await replay(stack)
        assert "all in the ledger" in replayed
        rows = await each_once(deployment, timeout=5)
        assert "0 records" in await replay(stack), "what is in the ledger is not sent again"
    assert set(requests_of(told.answered, rows).values()) <= {("settled", "succeeded")}
    states = {row.state for row in rows}
    assert states == {"settled", "estimated"}, "some streams ended in time, others did not"
    assert all(row.outcome == "lost" for row in rows if row.state == "estimated")


async def replay(stack: Stack) -> str:
    """Brings what the killed router left into the ledger without starting another; returns what is printed."""
    places = {
        "PANTHEON_NATS_URL": stack.nats_url,
        "PANTHEON_USAGE_ADDRESS": stack.plan.ports.address("usage"),
        "PANTHEON_CATALOG_ADDRESS": stack.plan.ports.address("catalog"),
        "PANTHEON_SERVICE_KEYS": str(stack.plan.service_keys),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "router", "replay", str(stack.plan.state / "router" / "spool")),
        env={**stack.plan.environment, **places},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, output
    return output.decode()


async def kill_amid_streams(deployment: Deployment, told: Told, pieces: int, kill: Kill) -> None:
    """Opens the streams and kills when so many pieces of answers have come."""
    goal = told.pieces + pieces
    async with deployment.http() as http:
        streams = [
            asyncio.create_task(complete_over_http(http, number, told, stream=True)) for number in range(STREAMS)
        ]
        await eventually(lambda: told.pieces >= goal or all(task.done() for task in streams), timeout=20)
        await kill()
        await asyncio.gather(*streams)
