"""Keys for providers as tables, and as REST shows them."""

import json

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import ListProviderKeysRequest, ListProviderKeysResponse
from pantheon.catalog.v1.provider_key_pb2 import ProviderKey, ProviderKeySource, ProviderKeyStatus
from services.cli.provider_keys import list_keys
from tests.unit.cli.answering import Answering, Prepared

BUSY = ProviderKey(
    id="1",
    provider="openai",
    last_four="cdef",
    source=ProviderKeySource.PROVIDER_KEY_SOURCE_API,
    status=ProviderKeyStatus.PROVIDER_KEY_STATUS_RATE_LIMITED,
)
UNASKED = ProviderKey(id="2", provider="openai", source=ProviderKeySource.PROVIDER_KEY_SOURCE_ENVIRONMENT)


def catalog() -> Answering:
    pages = (
        ListProviderKeysResponse(provider_keys=[BUSY], next_page_token="more"),
        ListProviderKeysResponse(provider_keys=[UNASKED]),
    )
    return Answering("pantheon.catalog.v1.CatalogService", ListProviderKeys=Prepared(ListProviderKeysRequest, *pages))


async def test_all_pages_are_listed_with_what_providers_said(capsys: pytest.CaptureFixture[str]) -> None:
    answering = catalog()
    async with answering.serving() as caller:
        await list_keys(caller, "openai", as_json=False)
    assert [(request.provider, request.page_token) for request in answering.asked] == [
        ("openai", ""),
        ("openai", "more"),
    ]
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if "openai" in line]
    assert [line[-2] for line in shown] == ["rate-limited", "unknown"]


async def test_json_is_what_rest_answers(capsys: pytest.CaptureFixture[str]) -> None:
    async with catalog().serving() as caller:
        await list_keys(caller, "", as_json=True)
    keys = json.loads(capsys.readouterr().out)
    assert [(key["source"], key["status"]) for key in keys] == [("api", "rate_limited"), ("environment", None)]
