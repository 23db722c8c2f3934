"""Fixtures of the tests that go through the model configuration guide: readers who do what it says."""

from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from tests.fixtures.deployments import Deployment
from tests.fixtures.people import Person, new_administrator, new_member


@pytest.fixture(scope="session")
async def newcomer(deployment: Deployment) -> Person:
    """Somebody who has set nothing: for tests that set nothing either."""
    return await new_member(deployment)


@pytest.fixture
async def reader(deployment: Deployment) -> Person:
    """Somebody of the test's own, to set whatever the guide says."""
    return await new_member(deployment)


@pytest.fixture
async def administrator(deployment: Deployment) -> Person:
    """Somebody with an organisation of the test's own, to set what holds for all of it."""
    return await new_administrator(deployment)


@pytest.fixture
async def chats(newcomer: Person) -> AsyncIterator[httpx.AsyncClient]:
    """The OpenAI-compatible surface, as the newcomer."""
    async with newcomer.router() as client:
        yield client


@pytest.fixture
async def api(newcomer: Person) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API, as the newcomer."""
    async with newcomer.edge() as client:
        yield client


@pytest.fixture
async def own_chats(reader: Person) -> AsyncIterator[httpx.AsyncClient]:
    """The OpenAI-compatible surface, as the reader."""
    async with reader.router() as client:
        yield client


@pytest.fixture
async def own_api(reader: Person) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API, as the reader."""
    async with reader.edge() as client:
        yield client
