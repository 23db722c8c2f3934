"""Use cases over REST: the platform's, an organisation's and a user's choice, kept by a real catalog."""

from typing import Any

import httpx2 as httpx
import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN
from tests.integration.catalog.people import Person
from tests.integration.edge.grounds import Grounds, error_of

USE_CASES = "/api/use-cases"
SETTINGS = "/api/user/settings"
NAMES = ["general", "code", "fast", "vision", "long-context"]


async def choices(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = (await client.get(USE_CASES)).json()
    assert [choice["use_case"] for choice in answer["use_cases"]] == NAMES
    return {choice["use_case"]: choice for choice in answer["use_cases"]}


async def test_the_platform_advises_models_and_temperatures(grounds: Grounds) -> None:
    client = await grounds.enter()
    code = (await choices(client))["code"]
    assert (code["level"], code["reason"]) == ("platform", "Superior code understanding")
    assert (await client.get(USE_CASES)).json()["suggested_temperatures"] == {
        "code": 0.2, "chat": 0.7, "creative": 1.2
    }  # fmt: skip


async def test_an_organisation_chooses_and_takes_it_back(grounds: Grounds) -> None:
    boss = Person(role=ROLE_ORGANISATION_ADMIN)
    admin, member = await grounds.enter(boss), await grounds.enter(boss.colleague())
    before = await choices(member)
    path = f"{USE_CASES}/long-context"
    answer = await admin.put(path, json={"model": "gpt-4", "provider": "openrouter"})
    assert answer.json() == {
        "use_case": "long-context", "model": "gpt-4", "provider": "openrouter", "level": "organisation", "reason": None
    }  # fmt: skip
    assert (await choices(member)) == before | {"long-context": answer.json()}
    assert (await choices(await grounds.enter())) == before
    gone = await admin.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await choices(member)) == before


async def test_a_user_s_own_choice_is_a_setting_and_stands_before_the_organisation_s(grounds: Grounds) -> None:
    boss = Person(role=ROLE_ORGANISATION_ADMIN)
    admin, member = await grounds.enter(boss), await grounds.enter(boss.colleague())
    await admin.put(f"{USE_CASES}/code", json={"model": "gpt-4"})
    chosen = {"code": "claude-3-opus", "long-context": {"model": "gpt-4", "provider": "openai"}}
    answer = await member.patch(SETTINGS, json={"use_cases": chosen})
    assert answer.json()["use_cases"] == chosen
    found = await choices(member)
    assert (found["code"]["model"], found["code"]["level"]) == ("claude-3-opus", "user")
    assert (await member.put(SETTINGS, content=(await member.get(SETTINGS)).content)).json() == answer.json()
    left = await member.patch(SETTINGS, json={"use_cases": {"code": None, "fast": "gpt-4"}})
    assert left.json()["use_cases"] == {"fast": "gpt-4", "long-context": chosen["long-context"]}
    assert (await choices(member))["code"]["level"] == "organisation"
    assert (await member.put(SETTINGS, json={})).json()["use_cases"] == {}


@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({}, "model"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": "no/such model"}, "model"),
        ({"model": "gpt-4", "provider": "nobody"}, "provider"),
        ({"model": "gpt-4", "level": "platform"}, "level"),
    ),
)
async def test_a_bad_choice_is_refused_by_name(grounds: Grounds, body: dict[str, Any], field: str) -> None:
    admin = await grounds.administrator()
    assert error_of(await admin.put(f"{USE_CASES}/code", json=body)) == (400, "INVALID_FIELD", field)
    assert (await choices(admin))["code"]["level"] == "platform"


@pytest.mark.parametrize(
    ("chosen", "field"),
    (
        ({"long-context": "no/such model"}, "use_cases.long-context"),
        ({"long-context": {"model": "gpt-4", "provider": "nobody"}}, "use_cases.long-context.provider"),
    ),
)
async def test_a_bad_choice_of_a_user_is_refused_by_its_path(
    grounds: Grounds, chosen: dict[str, Any], field: str
) -> None:
    answer = await (await grounds.enter()).patch(SETTINGS, json={"use_cases": chosen})
    assert error_of(answer) == (400, "INVALID_FIELD", field)


async def test_members_see_and_do_not_choose(grounds: Grounds) -> None:
    member = await grounds.enter()
    for answer in (
        await member.put(f"{USE_CASES}/code", json={"model": "gpt-4"}),
        await member.delete(f"{USE_CASES}/code"),
    ):
        assert error_of(answer)[:2] == (403, "ACCESS_DENIED")


@pytest.mark.parametrize("name", ("coding", "long_context", "CODE", "unspecified"))
async def test_a_use_case_that_is_none_is_not_found(grounds: Grounds, name: str) -> None:
    admin = await grounds.administrator()
    for answer in (
        await admin.put(f"{USE_CASES}/{name}", json={"model": "gpt-4"}),
        await admin.delete(f"{USE_CASES}/{name}"),
    ):
        assert error_of(answer)[:2] == (404, "RESOURCE_NOT_FOUND")
