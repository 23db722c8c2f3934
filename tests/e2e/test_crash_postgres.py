"""Postgres may be killed at any moment: completions go on, and no batch is lost or booked twice."""

from pathlib import Path

import pytest

from tests.fixtures.deployments import deployment_of, private_stack
from tests.fixtures.load import Load, each_once, requests_of, verified

KILLS = 4


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_postgres_killed_again_and_again_under_load(server_directory: Path) -> None:
    async with private_stack(server_directory / "stack", durable=True, tokens_per_second=200) as stack:
        assert stack.postgres is not None
        deployment = deployment_of(stack)
        async with Load(deployment, clients=12) as load:
            for number in range(KILLS):
                await load.told.wait_for_answers(40)
                if number % 2:
                    await stack.postgres.kill()
                else:
                    await stack.postgres.stop("immediate")
                await load.told.wait_for_answers(20)
                await stack.postgres.start()
            await load.told.wait_for_answers(20)
        assert load.told.failures == []
        rows = await each_once(deployment, timeout=30)
        await verified(deployment)
    assert set(requests_of(load.told.answered, rows).values()) == {("settled", "succeeded")}
