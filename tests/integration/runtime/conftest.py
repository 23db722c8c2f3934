"""A gRPC service that echoes, and a channel to whichever service a test has."""

from collections.abc import AsyncIterator

import grpc
import pytest

from tests.fixtures.eventually import eventually
from tests.integration.runtime.echo_service import EchoService, echo_service


@pytest.fixture
async def service() -> AsyncIterator[EchoService]:
    """No call may run any more when the test has ended."""
    async with echo_service() as running:
        yield running
        await eventually(lambda: running.running() == 0)


@pytest.fixture
async def channel(service: EchoService) -> AsyncIterator[grpc.aio.Channel]:
    async with service.channel() as opened:
        yield opened
