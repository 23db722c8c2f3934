"""Asks providers for their lists of models."""

import asyncio
from collections.abc import Mapping, Sequence

import httpx2 as httpx

from services.catalog.entities import Provider
from services.catalog.listings.formats import LIST_FORMATS
from services.catalog.listings.listed import ListBroken, Listed, Listing
from services.catalog.provider_requests import headers_for, url_at
from services.runtime.logging import get_logger

_MOST_BYTES = 32 * 1024 * 1024
_MOST_PAGES = 100
_SECONDS = 20.0
_OK = 200


async def fetch_all(
    http: httpx.AsyncClient, providers: Sequence[Provider], secrets: Mapping[str, str]
) -> list[Listing]:
    """The lists of several providers, asked at once, in their order; `secrets` by provider, where there are any."""
    async with asyncio.TaskGroup() as asking:
        tasks = [asking.create_task(fetch(http, provider, secrets.get(provider.name, ""))) for provider in providers]
    return [task.result() for task in tasks]


async def fetch(http: httpx.AsyncClient, provider: Provider, secret: str) -> Listing:
    """A provider's whole list, within 20 seconds and 32 MiB; what keeps it from being had is its `fault`."""
    url = url_at(provider, provider.models_url)
    if not url:
        return Listing(provider, fault="it is nowhere: it has no base URL")
    try:
        async with asyncio.timeout(_SECONDS):
            models = await _pages(http, provider, url, headers_for(provider, secret))
    except TimeoutError:
        fault = f"no whole answer within {_SECONDS:.0f} seconds"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Only its kind: the text may repeat the address, and with it whatever an operator wrote there.
        fault = f"it can't be reached: {type(error).__name__}"
    except ListBroken as broken:
        fault = str(broken)
    else:
        return Listing(provider, models) if models else Listing(provider, fault="the list is empty")
    get_logger().warning("catalog.list_not_had", provider=provider.name, fault=fault)
    return Listing(provider, fault=fault)


async def _pages(
    http: httpx.AsyncClient, provider: Provider, url: str, headers: Mapping[str, str]
) -> tuple[Listed, ...]:
    """All pages, each model once."""
    how = LIST_FORMATS[provider.wire_format]
    parameters, models, left = how.first, dict[str, Listed](), _MOST_BYTES
    for _ in range(_MOST_PAGES):
        body = await _body(http, httpx.URL(url).copy_merge_params(parameters), headers, left)
        left -= len(body)
        page = how.page(body)
        for model in page.models:
            models.setdefault(model.id, model)
        if not page.following:
            return tuple(models.values())
        if page.following == parameters:
            raise ListBroken("the list repeats itself")
        parameters = page.following
    raise ListBroken(f"the list has more than {_MOST_PAGES} pages")


async def _body(http: httpx.AsyncClient, url: httpx.URL, headers: Mapping[str, str], most: int) -> bytes:
    async with http.stream("GET", url, headers=headers, follow_redirects=False) as response:
        if response.status_code != _OK:
            raise ListBroken(f"it answered with status {response.status_code}")
        parts = bytearray()
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > most:
                raise ListBroken(f"the list is larger than {_MOST_BYTES} bytes")
    return bytes(parts)
