"""Provider keys over REST, kept by a real catalog that asks a real provider: no answer ever holds a secret."""

from typing import Any

import httpx2 as httpx
import pytest

from tests.integration.catalog.judge import BAD, BUSY, ENVIRONMENT_KEY, GOOD
from tests.integration.edge.grounds import Grounds, error_of

KEYS = "/api/provider-keys"


@pytest.fixture
async def admin(grounds: Grounds) -> httpx.AsyncClient:
    return await grounds.administrator()


async def test_a_key_is_set_listed_checked_and_removed(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(KEYS, json={"provider": "openai", "label": "Team", "secret": GOOD})
    assert answer.status_code == 201
    key = answer.json()
    assert answer.headers["location"] == f"{KEYS}/{key['id']}"
    assert (key["provider"], key["label"], key["last_four"]) == ("openai", "Team", GOOD[-4:])
    assert (key["source"], key["status"]) == ("api", "valid")
    assert key["organisation_id"]
    assert key["create_time"]
    listed = await admin.get(KEYS, params={"provider": "openai"})
    assert listed.json() == {"provider_keys": [key], "next_page_token": None}
    assert (await admin.get(f"{KEYS}?provider=openrouter")).json()["provider_keys"] == []
    checked = await admin.post(f"{KEYS}/{key['id']}/check")
    assert (checked.status_code, checked.json()["status"]) == (200, "valid")
    gone = await admin.delete(f"{KEYS}/{key['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for again in (await admin.delete(f"{KEYS}/{key['id']}"), await admin.post(f"{KEYS}/{key['id']}/check")):
        assert error_of(again)[:2] == (404, "RESOURCE_NOT_FOUND")
    for shown in (answer, listed, checked):
        assert "canary" not in shown.text


async def test_the_status_says_what_the_provider_says(admin: httpx.AsyncClient) -> None:
    busy = await admin.post(KEYS, json={"provider": "openai", "secret": BUSY})
    assert (busy.status_code, busy.json()["status"]) == (201, "rate_limited")
    bad = await admin.post(KEYS, json={"provider": "openai", "secret": BAD})
    assert error_of(bad)[:2] == (502, "PROVIDER_AUTHENTICATION")
    assert "canary" not in bad.text


async def test_the_same_key_is_set_once(admin: httpx.AsyncClient) -> None:
    document = {"provider": "openai", "secret": GOOD}
    assert (await admin.post(KEYS, json=document, headers={"idempotency-key": "k-1"})).status_code == 201
    again = await admin.post(KEYS, json=document, headers={"idempotency-key": "k-1"})
    assert error_of(again)[:2] == (409, "REQUEST_REPEATED")
    twice = await admin.post(KEYS, json=document)
    assert error_of(twice)[:2] == (409, "RESOURCE_EXISTS")
    assert "canary" not in again.text + twice.text


async def test_the_platform_s_keys_are_shown_to_those_who_run_it(grounds: Grounds) -> None:
    operator = await grounds.operator()
    listed = await operator.get(f"{KEYS}?provider=openai")
    (key,) = [key for key in listed.json()["provider_keys"] if key["source"] == "environment"]
    assert (key["organisation_id"], key["create_time"], key["last_four"]) == (None, None, ENVIRONMENT_KEY[-4:])
    assert ENVIRONMENT_KEY not in listed.text


@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({"provider": "openai"}, "secret"),
        ({"provider": "openai", "secret": None}, "secret"),
        ({"provider": "openai", "secret": [GOOD]}, "secret"),
        ({"provider": "openai", "secret": f"{GOOD}\n"}, "secret"),
        ({"provider": "openai", "secret": GOOD, "key": GOOD}, "key"),
        ({"provider": [GOOD], "secret": GOOD}, "provider"),
        ({"provider": "openai", "secret": GOOD, "label": "x" * 101}, "label"),
        ({"provider": "openai", "secret": GOOD, "platform_wide": "yes"}, "platform_wide"),
    ),
)
async def test_a_bad_key_is_refused_by_name_and_not_repeated(
    admin: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await admin.post(KEYS, json=body)
    assert error_of(answer) == (400, "INVALID_FIELD", field)
    assert "canary" not in answer.text


async def test_a_provider_that_is_not_there_is_not_found(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(KEYS, json={"provider": "nobody", "secret": GOOD})
    assert error_of(answer)[:2] == (404, "RESOURCE_NOT_FOUND")


async def test_who_may_not_is_refused(grounds: Grounds, admin: httpx.AsyncClient) -> None:
    member, other = await grounds.enter(), await grounds.administrator()
    document = {"provider": "openai", "secret": GOOD}
    key = (await admin.post(KEYS, json=document)).json()
    for answer in (
        await member.get(KEYS),
        await member.post(KEYS, json=document),
        await member.delete(f"{KEYS}/{key['id']}"),
        await admin.post(KEYS, json={**document, "platform_wide": True}),
    ):
        assert error_of(answer)[:2] == (403, "ACCESS_DENIED")
    assert error_of(await other.delete(f"{KEYS}/{key['id']}"))[:2] == (404, "RESOURCE_NOT_FOUND")
    assert (await other.get(KEYS)).json()["provider_keys"] == []
