from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest
from anthropic import AsyncAnthropic
from google import genai
from google.genai.client import AsyncClient
from google.genai.types import HttpOptions
from openai import AsyncOpenAI

from services.sandbox.server import SandboxServer


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[SandboxServer]:
    """One for all tests that neither set rules nor count requests."""
    async with SandboxServer() as server:
        yield server


@pytest.fixture
async def own_sandbox() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as server:
        yield server


@pytest.fixture(scope="session")
async def openai(sandbox: SandboxServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=sandbox.openai_url, api_key="sk-test", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
async def openrouter(sandbox: SandboxServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=sandbox.openrouter_url, api_key="sk-or-test", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
async def anthropic(sandbox: SandboxServer) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=sandbox.anthropic_url, api_key="sk-ant-test", max_retries=0, timeout=10) as it:
        yield it


@pytest.fixture(scope="session")
async def gemini(sandbox: SandboxServer) -> AsyncIterator[AsyncClient]:
    """On httpx2: the SDK's own transport over aiohttp warns of itself."""
    async with httpx.AsyncClient(timeout=10) as transport:
        options = HttpOptions(base_url=sandbox.gemini_url, httpx_async_client=transport)
        async with genai.Client(api_key="gemini-test", http_options=options).aio as client:
            yield client


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A plain client with a key that is good, for what an SDK hides."""
    async with httpx.AsyncClient(headers={"authorization": "Bearer sk-test"}, timeout=10) as client:
        yield client
