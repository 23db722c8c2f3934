"""The router of `running`, with the sandbox as its providers."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from pantheon.events.v1.change_pb2 import Change
from services.local.nats import LocalNats
from services.runtime.bus import Bus
from services.sandbox.server import SandboxServer
from tests.integration.router.ledgers import Ledger, consuming
from tests.integration.router.running import KEY, RunningRouter, model, provider, running_router

KEYS = {"openai": ("sandbox",), "openrouter": ("sandbox",)}


@pytest.fixture(scope="session")
async def one_sandbox() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as server:
        yield server


@pytest.fixture
def sandbox(one_sandbox: SandboxServer) -> Iterator[SandboxServer]:
    """Simulated providers that have seen nothing yet and keep to no rule."""
    one_sandbox.recorder.clear()
    one_sandbox.rules.clear()
    yield one_sandbox
    one_sandbox.rules.clear()


@pytest.fixture(scope="session")
def changes(one_sandbox: SandboxServer) -> list[Change]:
    """A catalog of two providers; GPT-4 is offered by both, OpenAI first, and claude-3-opus by OpenRouter alone."""
    return [
        provider("openai", one_sandbox.openai_url),
        provider("openrouter", one_sandbox.openrouter_url, aggregates_vendors=True, reports_cost=True),
        model("openai/gpt-4", ("openai", "gpt-4"), ("openrouter", "openai/gpt-4"), aliases=("gpt-4",)),
        model("anthropic/claude-3-opus", ("openrouter", "anthropic/claude-3-opus")),
    ]


@pytest.fixture(scope="session")
async def one_router(tmp_path_factory: pytest.TempPathFactory, changes: list[Change]) -> AsyncIterator[RunningRouter]:
    async with running_router(tmp_path_factory.mktemp("router"), changes, KEYS) as running:
        yield running


@pytest.fixture
async def router(one_router: RunningRouter, sandbox: SandboxServer) -> AsyncIterator[RunningRouter]:
    """A router whose journal has nothing of this test yet. For tests that change nothing about it."""
    yield replace(one_router, first=one_router.journal.last_number + 1)
    await one_router.events()


@pytest.fixture
async def own_router(tmp_path: Path, changes: list[Change], sandbox: SandboxServer) -> AsyncIterator[RunningRouter]:
    """A router of the test's own."""
    async with running_router(tmp_path, changes, KEYS) as running:
        yield running


@pytest.fixture(scope="session")
async def openai(one_router: RunningRouter) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, pointed at the router."""
    async with AsyncOpenAI(base_url=f"{one_router.base_url}/v1", api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
async def bus(own_nats: LocalNats) -> AsyncIterator[Bus]:
    """A connection to a NATS of the test's own."""
    bus = await Bus.connect(own_nats.url, name="test")
    yield bus
    await bus.close()


@pytest.fixture
async def ledger(bus: Bus) -> AsyncIterator[Ledger]:
    """What comes over it, booked."""
    async with consuming(bus) as ledger:
        yield ledger
