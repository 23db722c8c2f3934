"""NATS may be gone for as long as it likes: completions go on, and the ledger catches up."""

import asyncio
from pathlib import Path

import pytest

from tests.fixtures.deployments import deployment_of, private_stack
from tests.fixtures.load import Load, each_once, requests_of, verified

OUTAGE_S = 30.0


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_30_seconds_without_nats_under_load(server_directory: Path) -> None:
    async with private_stack(server_directory / "stack", tokens_per_second=100) as stack:
        assert stack.nats is not None
        deployment = deployment_of(stack)
        async with Load(deployment, clients=8) as load:
            await load.told.wait_for_answers(10)
            await stack.nats.stop()
            outage = asyncio.get_running_loop().time() + OUTAGE_S
            while (left := outage - asyncio.get_running_loop().time()) > 0:
                await load.told.wait_for_answers(1, timeout=max(left, 5.0))
            await stack.nats.start()
            await load.told.wait_for_answers(20)
        assert load.told.failures == []
        rows = await each_once(deployment, timeout=30)
        await verified(deployment)
    assert set(requests_of(load.told.answered, rows).values()) == {("settled", "succeeded")}
