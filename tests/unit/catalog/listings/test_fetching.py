from collections.abc import AsyncIterator

import httpx2 as httpx
import pytest

from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from services.catalog.entities import Provider
from services.catalog.key_checks import Verdict, ask_about
from services.catalog.listings.fetching import fetch
from services.catalog.provider_requests import provider_client

NO_URLS = ("http://127.0.0.1:port/v1", "http://[::1/v1", "http://\x01/v1", f"http://{'a' * 70_000}/v1")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with provider_client() as client:
        yield client


def at(base_url: str) -> Provider:
    return Provider(
        name="openai",
        display_name="OpenAI",
        default_base_url="https://api.openai.com/v1",
        base_url=base_url,
        wire_format=WireFormat.WIRE_FORMAT_OPENAI_CHAT,
        auth_style=AuthStyle.AUTH_STYLE_BEARER,
        models_url="/models",
        key_check_url="/models",
    )


@pytest.mark.parametrize("base_url", NO_URLS, ids=("port", "bracket", "control", "length"))
async def test_a_list_at_what_is_no_url_is_a_fault_of_its_own_provider(http: httpx.AsyncClient, base_url: str) -> None:
    listing = await fetch(http, at(base_url), "secret")
    assert listing.fault == "it can't be reached: InvalidURL"


@pytest.mark.parametrize("base_url", NO_URLS, ids=("port", "bracket", "control", "length"))
async def test_a_key_is_not_judged_by_what_is_no_url(http: httpx.AsyncClient, base_url: str) -> None:
    assert await ask_about(at(base_url), "secret", http) == Verdict()
