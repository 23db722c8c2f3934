"""The router of `running`, with the sandbox as its providers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from pantheon.events.v1.change_pb2 import Change
from services.sandbox.server import SandboxServer
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


@pytest.fixture
def changes(sandbox: SandboxServer) -> list[Change]:
    """A catalog of two providers; GPT-4 is offered by both, OpenAI first, and claude-3-opus by OpenRouter alone."""
    return [
        provider("openai", sandbox.openai_url),
        provider("openrouter", sandbox.openrouter_url, aggregates_vendors=True, reports_cost=True),
        model("openai/gpt-4", ("openai", "gpt-4"), ("openrouter", "openai/gpt-4"), aliases=("gpt-4",)),
        model("anthropic/claude-3-opus", ("openrouter", "anthropic/claude-3-opus")),
    ]


@pytest.fixture
async def router(tmp_path: Path, changes: list[Change]) -> AsyncIterator[RunningRouter]:
    async with running_router(tmp_path, changes, KEYS) as running:
        yield running


@pytest.fixture
async def openai(router: RunningRouter) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, pointed at the router."""
    async with AsyncOpenAI(base_url=f"{router.base_url}/v1", api_key=KEY, max_retries=0, timeout=10) as client:
        yield client
