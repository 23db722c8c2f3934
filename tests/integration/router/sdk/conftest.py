"""A router before the simulated OpenAI, OpenRouter, Anthropic and Gemini and a compatible provider of somebody's own.

The rows are those of the catalog's seed, made by the catalog's own code.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from pantheon.events.v1.change_pb2 import Change, ProviderChanged
from services.catalog.messages import provider_message
from services.catalog.providers import SANDBOX_PATHS, circumstances, under
from services.catalog.seed.load import load_providers
from services.catalog.seed_changes import Seed, Written, seed_changes
from services.runtime import times
from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer
from services.sandbox.settings import SandboxSettings
from tests.integration.router.running import KEY, RunningRouter, model, provider, running_router
from tests.integration.router.sdk import models

MODELS = (
    model("openai/gpt-4o", ("openai", "gpt-4o")),
    model("openai/gpt-5", ("openai", "gpt-5")),
    model("mistralai/mistral-nemo", ("openrouter", "mistralai/mistral-nemo")),
    model("x-ai/grok-4.1-fast", ("openrouter", "x-ai/grok-4.1-fast")),
    model("anthropic/claude-opus-4.5", ("anthropic", "claude-opus-4-5")),
    model("google/gemini-2.5-flash", ("gemini", "gemini-2.5-flash")),
    model("google/gemini-3-flash-preview", ("gemini", "gemini-3-flash-preview")),
)
REFUSALS = {
    400: "BadRequestError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
}


@pytest.fixture(scope="session")
async def one_sandbox() -> AsyncIterator[SandboxServer]:
    """Simulated providers that answer at once."""
    settings = SandboxSettings(
        sandbox_listen="127.0.0.1:0",
        sandbox_keep_bodies=100,
        sandbox_first_token_ms=0,
        sandbox_tokens_per_second=0,
    )
    async with SandboxServer(settings) as server:
        yield server


@pytest.fixture(scope="session")
def rows(one_sandbox: SandboxServer) -> list[Change]:
    """The catalog's changes for these providers and models."""
    simulated = tuple(row for row in load_providers() if row.name in SANDBOX_PATHS)
    made = seed_changes(Seed(simulated, ()), Written({}, {}, {}), times.now()).providers
    present = [under(circumstances(row, {}, one_sandbox.url), row, b"pepper") for row, _ in made]
    changes = [Change(provider_changed=ProviderChanged(provider=provider_message(row))) for row in present]
    return [*changes, provider("other", one_sandbox.openai_url), *MODELS]


@pytest.fixture(scope="session")
async def one_router(tmp_path_factory: pytest.TempPathFactory, rows: list[Change]) -> AsyncIterator[RunningRouter]:
    keys = dict.fromkeys((*SANDBOX_PATHS, "other"), ("sandbox",))
    async with running_router(tmp_path_factory.mktemp("router"), rows, keys) as running:
        yield running


@pytest.fixture
def order(sandbox: SandboxServer) -> Callable[..., None]:
    """Orders what goes wrong from now on: `order(status=429)`."""

    def give(**directives: Any) -> None:
        sandbox.rules.add(Rule(directives=Directives(**directives)))

    return give


@pytest.fixture(params=REFUSALS)
def refused(request: pytest.FixtureRequest, order: Callable[..., None]) -> str:
    """What the SDKs call the error of a status with which providers refuse from now on."""
    order(status=request.param)
    return REFUSALS[request.param]


@pytest.fixture(scope="session")
async def openai(one_router: RunningRouter) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, pointed at the router."""
    async with AsyncOpenAI(base_url=f"{one_router.base_url}/v1", api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
async def anthropic(one_router: RunningRouter) -> AsyncIterator[AsyncAnthropic]:
    """Anthropic's own client, pointed at the router."""
    async with AsyncAnthropic(base_url=one_router.base_url, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(params=models.EVERY, ids=str)
def asked(request: pytest.FixtureRequest) -> models.Asked:
    """A model of every provider."""
    chosen: models.Asked = request.param
    return chosen


@pytest.fixture(params=models.THINKING, ids=str)
def thinking(request: pytest.FixtureRequest) -> models.Asked:
    """A model that thinks, of every provider."""
    chosen: models.Asked = request.param
    return chosen
