"""Keys for providers as administrators set them."""

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest

from pantheon.auth.v1.access_pb2 import ROLE_MEMBER, ROLE_ORGANISATION_ADMIN
from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_SOURCE_API,
    PROVIDER_KEY_STATUS_RATE_LIMITED,
    PROVIDER_KEY_STATUS_UNSPECIFIED,
    PROVIDER_KEY_STATUS_VALID,
    ProviderKey,
)
from services.catalog.key_checks import Verdict, ask_about
from services.catalog.provider_requests import provider_client
from services.catalog.seed_changes import Written, seed_changes
from services.runtime import times
from services.runtime.ids import uuid7
from services.runtime.status import error_from_rpc
from tests.fixtures.refusals import refusal
from tests.integration.catalog.judge import BAD, BUSY, EMPTY, ENVIRONMENT_KEY, FORBIDDEN, GOOD, JUDGED, LOST, Judge
from tests.integration.catalog.key_calls import check, create, delete, environment_key, listed, secrets
from tests.integration.catalog.replica import Catalog, Metadata, StartCatalog, as_user


async def test_a_key_that_is_set_is_shown_without_its_secret_and_given_to_routers(
    asking: Catalog, admin: Metadata, organisation: str
) -> None:
    key = await create(asking, admin, label=" Team key ")
    assert (key.provider, key.organisation_id, key.label, key.last_four) == ("openai", organisation, "Team key", "6789")
    assert (key.source, key.status) == (PROVIDER_KEY_SOURCE_API, PROVIDER_KEY_STATUS_VALID)
    assert key.HasField("create_time")
    assert key.status_time.seconds >= key.create_time.seconds
    assert await listed(asking, admin) == [key]
    assert (await secrets(asking))["openai", organisation] == [GOOD]


async def test_of_one_provider_an_organisation_sets_no_more_keys_than_routers_can_be_given(
    asking: Catalog, admin: Metadata, organisation: str
) -> None:
    made = [await create(asking, admin, f"{GOOD}-{number}") for number in range(32)]
    error = await refusal(create(asking, admin, f"{GOOD}-32"))
    assert (error.reason, error.metadata["field"], error.metadata["value"]) == (
        "INVALID_FIELD",
        "provider_key.provider",
        "openai",
    )
    assert len((await secrets(asking))["openai", organisation]) == 32
    await create(asking, admin, provider="anthropic")
    await delete(asking, admin, made[0].id)
    await create(asking, admin, f"{GOOD}-32")


async def test_of_a_short_key_nothing_is_shown(asking: Catalog, admin: Metadata) -> None:
    assert (await create(asking, admin, "short")).last_four == ""


@pytest.mark.parametrize("secret", (BAD, FORBIDDEN))
async def test_a_key_the_provider_refuses_is_not_kept(
    asking: Catalog, admin: Metadata, judge: Judge, secret: str
) -> None:
    revision = await asking.revision()
    error = await refusal(create(asking, admin, secret))
    assert (error.reason, error.metadata) == (
        "PROVIDER_AUTHENTICATION",
        {"provider": "openai", "status": str(judge.answers[secret][0])},
    )
    assert "canary" not in error.message
    assert await listed(asking, admin) == []
    assert await asking.revision() == revision


@pytest.mark.parametrize(
    ("secret", "status"),
    (
        (BUSY, PROVIDER_KEY_STATUS_RATE_LIMITED),
        (LOST, PROVIDER_KEY_STATUS_UNSPECIFIED),
        (EMPTY, PROVIDER_KEY_STATUS_UNSPECIFIED),
    ),
)
async def test_a_key_the_provider_does_not_refuse_is_kept_with_what_it_says(
    asking: Catalog, admin: Metadata, secret: str, status: Any
) -> None:
    key = await create(asking, admin, secret)
    assert (key.status, key.HasField("status_time")) == (status, True)
    assert await listed(asking, admin) == [key]


async def test_a_key_is_kept_while_its_provider_can_t_be_reached(start_catalog: StartCatalog, admin: Metadata) -> None:
    catalog = await start_catalog(JUDGED, environment={"OPENAI_BASE_URL": "http://127.0.0.1:1"})
    key = await create(catalog, admin)
    assert (key.status, key.HasField("status_time")) == (PROVIDER_KEY_STATUS_UNSPECIFIED, True)


async def test_a_provider_that_never_ends_its_answer_is_not_waited_for() -> None:
    async def dawdle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\n{")
        await reader.read()
        writer.close()

    openai, _ = seed_changes(JUDGED, Written({}, {}, {}), times.now()).providers[0]
    async with await asyncio.start_server(dawdle, "127.0.0.1", 0) as server, provider_client() as http:
        port = server.sockets[0].getsockname()[1]
        provider = replace(openai, base_url=f"http://127.0.0.1:{port}")
        assert await ask_about(provider, GOOD, http, seconds=0.2) == Verdict()


@pytest.mark.parametrize("environment", ({}, {"UNASKED_BASE_URL": "http://127.0.0.1:1"}))
async def test_a_provider_that_can_t_be_asked_is_not(
    start_catalog: StartCatalog, admin: Metadata, environment: dict[str, str]
) -> None:
    catalog = await start_catalog(JUDGED, environment=environment)
    key = await create(catalog, admin, provider="unasked")
    assert (key.status, key.HasField("status_time")) == (PROVIDER_KEY_STATUS_UNSPECIFIED, False)
    assert await check(catalog, admin, key.id) == key


@pytest.mark.parametrize(
    ("provider", "path", "headers"),
    (
        ("openai", "/models", {"authorization": f"Bearer {GOOD}"}),
        ("openrouter", "/key", {"authorization": f"Bearer {GOOD}"}),
        ("anthropic", "/v1/models", {"x-api-key": GOOD, "anthropic-version": "2023-06-01"}),
        ("gemini", "/v1beta/models", {"x-goog-api-key": GOOD}),
    ),
)
async def test_a_provider_is_asked_in_its_own_way(
    asking: Catalog, admin: Metadata, judge: Judge, provider: str, path: str, headers: dict[str, str]
) -> None:
    before = len(judge.asked)
    await create(asking, admin, provider=provider)
    await create(asking, admin, GOOD + "2", provider=provider)
    asked = judge.asked[before]
    assert (asked.method, asked.url.path) == ("GET", path)
    assert {name: asked.headers.get(name) for name in headers} == headers
    assert {"authorization", "x-api-key", "x-goog-api-key"} & set(asked.headers) == set(headers) - {"anthropic-version"}
    assert not any("cookie" in request.headers for request in judge.asked)


async def test_a_bad_request_that_says_the_key_is_bad_refuses_it(
    asking: Catalog, admin: Metadata, judge: Judge
) -> None:
    judge.answers["sk-expired-canary"] = (
        400,
        b'{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}',
    )
    judge.answers["sk-odd-canary"] = (400, b"x" * 1_000_000)
    error = await refusal(create(asking, admin, "sk-expired-canary", "gemini"))
    assert (error.reason, error.metadata["status"]) == ("PROVIDER_AUTHENTICATION", "400")
    assert (await create(asking, admin, "sk-odd-canary", "gemini")).status == PROVIDER_KEY_STATUS_UNSPECIFIED


async def test_the_same_key_is_not_set_twice_for_the_same_requests(
    own_asking: Catalog, admin: Metadata, operator: Metadata, judge: Judge
) -> None:
    key = await create(own_asking, admin)
    await create(own_asking, admin, provider="anthropic")
    await create(own_asking, as_user(organisation=str(uuid7()), role=ROLE_ORGANISATION_ADMIN))
    platform = await create(own_asking, operator, platform_wide=True)
    asked = len(judge.asked)
    for existing, metadata, wide in ((key, admin, False), (platform, operator, True)):
        error = await refusal(create(own_asking, metadata, platform_wide=wide))
        assert (error.reason, error.metadata["resource"]) == ("RESOURCE_EXISTS", "provider_key")
        assert error.metadata["value"] == existing.id
        assert GOOD not in error.message
    assert len(judge.asked) == asked, "nobody need be asked"


async def test_a_key_that_is_in_the_environment_is_not_set_again(asking: Catalog, operator: Metadata) -> None:
    error = await refusal(create(asking, operator, ENVIRONMENT_KEY, platform_wide=True))
    assert (error.reason, error.metadata["value"]) == (
        "RESOURCE_EXISTS",
        (await environment_key(asking, operator)).id,
    )


async def test_of_the_same_key_set_many_times_at_once_one_is_kept(asking: Catalog, admin: Metadata) -> None:
    outcomes = await asyncio.gather(*(create(asking, admin) for _ in range(5)), return_exceptions=True)
    kept = [outcome for outcome in outcomes if isinstance(outcome, ProviderKey)]
    reasons = {error_from_rpc(error).reason for error in outcomes if isinstance(error, grpc.aio.AioRpcError)}
    assert (len(kept), reasons) == (1, {"RESOURCE_EXISTS"})
    assert await listed(asking, admin) == kept


async def test_a_repeated_request_makes_nothing_and_names_what_the_first_made(
    asking: Catalog, organisation: str, judge: Judge
) -> None:
    admin = as_user(str(uuid7()), organisation=organisation, role=ROLE_ORGANISATION_ADMIN)
    key = await create(asking, admin, request_id="r-1")
    asked = len(judge.asked)
    for secret in (GOOD, "another-canary"):
        error = await refusal(create(asking, admin, secret, request_id="r-1"))
        assert (error.reason, error.metadata) == ("REQUEST_REPEATED", {"request_id": "r-1", "id": key.id})
    assert len(judge.asked) == asked
    # A refused one was not carried out.
    await refusal(create(asking, admin, BAD, request_id="r-2"))
    await create(asking, admin, "another-canary", request_id="r-2")


@pytest.mark.parametrize(
    ("request_", "field"),
    (
        ({"secret": ""}, "secret"),
        ({"secret": "sk canary"}, "secret"),
        ({"secret": "sk-cänary"}, "secret"),
        ({"secret": "sk-canary\n"}, "secret"),
        ({"secret": "canary" * 1_000}, "secret"),
        ({"label": "x" * 101}, "provider_key.label"),
        ({"label": "a\tb"}, "provider_key.label"),
        ({"provider": "open\0ai"}, "provider_key.provider"),
        ({"provider": "local"}, "provider_key.provider"),
        ({"request_id": "x" * 65}, "request_id"),
    ),
)
async def test_what_is_not_allowed_is_refused_by_the_name_of_its_field_and_no_secret_shown(
    asking: Catalog, admin: Metadata, request_: dict[str, str], field: str
) -> None:
    error = await refusal(create(asking, admin, **request_))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)
    assert "nary" not in error.message


async def test_a_key_for_a_provider_nobody_knows_is_refused(asking: Catalog, admin: Metadata) -> None:
    error = await refusal(create(asking, admin, provider="acme"))
    assert (error.reason, error.metadata) == ("RESOURCE_NOT_FOUND", {"resource": "provider", "id": "acme"})


async def test_only_platform_administrators_set_keys_for_everybody(asking: Catalog, admin: Metadata) -> None:
    error = await refusal(create(asking, admin, platform_wide=True))
    assert (error.reason, error.metadata["required"]) == ("ACCESS_DENIED", "ROLE_PLATFORM_ADMIN")


async def test_members_neither_see_nor_set_keys(asking: Catalog, organisation: str) -> None:
    member = as_user(organisation=organisation, role=ROLE_MEMBER)
    key_id = str(uuid7())
    for call in (
        create(asking, member),
        listed(asking, member),
        check(asking, member, key_id),
        delete(asking, member, key_id),
    ):
        assert (await refusal(call)).reason == "ACCESS_DENIED"
