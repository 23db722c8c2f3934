"""NATS is transport: whatever is started while it is away serves, and the ledger has it all once it is back."""

import asyncio
import json
from pathlib import Path

import pytest

from services.local.stack import Stack
from tests.fixtures.deployments import deployment_of, private_stack
from tests.fixtures.load import Told, complete_over_grpc, complete_over_http, each_once, requests_of, verified

SERVICES = ("auth", "catalog", "usage", "router")


@pytest.mark.slow
async def test_everything_started_without_nats_serves_and_is_booked_when_that_comes(server_directory: Path) -> None:
    told = Told()
    async with private_stack(server_directory / "stack") as stack:
        assert stack.nats is not None
        deployment = deployment_of(stack)
        await asyncio.gather(*(stack.services[name].kill() for name in SERVICES))
        await stack.nats.stop()
        await asyncio.gather(*(stack.services[name].start() for name in SERVICES))
        async with deployment.http() as http, deployment.router() as grpc:
            await complete_over_http(http, 0, told, stream=False)
            await complete_over_http(http, 1, told, stream=True)
            await complete_over_grpc(grpc, 2, told)
        assert (len(told.answered), told.failures) == (3, [])
        assert not await deployment.rows()
        await stack.nats.start()
        rows = await each_once(deployment, timeout=20)
        await verified(deployment)
        assert set(requests_of(told.answered, rows).values()) == {("settled", "succeeded")}
        for name in SERVICES:
            assert complaints(stack, name) == ["bus.unreachable"]


def complaints(stack: Stack, name: str) -> list[str]:
    """What a service says of NATS, and of what needs it, that is no good news."""
    lines = map(json.loads, stack.plan.log(name).read_text().splitlines())
    parts = ("bus.", "outbox.", "relay.", "usage.consumer")
    return [line["event"] for line in lines if line["level"] != "info" and line["event"].startswith(parts)]
