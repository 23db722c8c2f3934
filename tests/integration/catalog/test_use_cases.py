"""What use cases stand for: for a user, an organisation, the platform; and as routers hear of it."""

import asyncio
from typing import Any

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PROJECT_ADMIN
from pantheon.catalog.v1.catalog_service_pb2 import (
    ListUseCasesRequest,
    SetUseCaseRequest,
    UpdateUserSettingsRequest,
)
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import (
    CHOICE_LEVEL_ORGANISATION,
    CHOICE_LEVEL_PLATFORM,
    CHOICE_LEVEL_USER,
    USE_CASE_CODE,
    USE_CASE_FAST,
    USE_CASE_GENERAL,
    USE_CASE_LONG_CONTEXT,
    USE_CASE_VISION,
    UseCase,
    UseCaseChoice,
)
from services.catalog.entities import Choice
from services.catalog.store import use_cases
from services.catalog.tables import PROVIDER_KEYS
from services.runtime import times
from tests.fixtures.refusals import refusal
from tests.integration.catalog.people import Person, described, fresh
from tests.integration.catalog.replica import Catalog, StartCatalog

PLATFORM = {
    USE_CASE_GENERAL: ("openai/gpt-4-turbo", "openrouter", CHOICE_LEVEL_PLATFORM),
    USE_CASE_CODE: ("anthropic/claude-3-opus", "openrouter", CHOICE_LEVEL_PLATFORM),
    USE_CASE_FAST: ("openai/gpt-3.5-turbo", "openrouter", CHOICE_LEVEL_PLATFORM),
    USE_CASE_VISION: ("google/gemini-pro-vision", "gemini", CHOICE_LEVEL_PLATFORM),
    USE_CASE_LONG_CONTEXT: ("anthropic/claude-3-opus", "openrouter", CHOICE_LEVEL_PLATFORM),
}


@pytest.fixture
def admin() -> Person:
    return Person(role=ROLE_ORGANISATION_ADMIN)


async def listed(catalog: Catalog, who: Person) -> Any:
    return await catalog.stub.ListUseCases(ListUseCasesRequest(), metadata=who.metadata)


async def held(catalog: Catalog, who: Person) -> dict[int, tuple[str, str, int]]:
    """By use case: model, provider and who chose."""
    choices = (await listed(catalog, who)).use_cases
    return {choice.use_case: (choice.model, choice.provider, choice.level) for choice in choices}


async def choose(
    catalog: Catalog, who: Person, use_case: UseCase.ValueType, model: str = "", provider: str = ""
) -> UseCaseChoice:
    request = SetUseCaseRequest(choice=UseCaseChoice(use_case=use_case, model=model, provider=provider))
    answer = await catalog.stub.SetUseCase(request, metadata=who.metadata)
    choice: UseCaseChoice = answer.choice
    return choice


async def choose_for_oneself(catalog: Catalog, who: Person, use_case: UseCase.ValueType, model: str) -> None:
    settings = UserSettings(use_cases=[UseCaseChoice(use_case=use_case, model=model)])
    await catalog.stub.UpdateUserSettings(UpdateUserSettingsRequest(settings=settings), metadata=who.metadata)


async def test_without_a_choice_the_guide_s_defaults_hold_and_say_why(catalog: Catalog) -> None:
    who = Person()
    assert await held(catalog, who) == PLATFORM
    answer = await listed(catalog, who)
    assert [choice.reason for choice in answer.use_cases] == [
        "Best balance of quality and speed",
        "Superior code understanding",
        "Low latency, cost-effective",
        "Excellent image understanding",
        "200K token context window",
    ]
    temperatures = {advice.purpose: advice.temperature for advice in answer.suggested_temperatures}
    assert temperatures == {"code": 0.2, "chat": 0.7, "creative": 1.2}


async def test_an_organisation_s_choice_holds_for_its_members_and_nobody_else(catalog: Catalog, admin: Person) -> None:
    chosen = await choose(catalog, admin, USE_CASE_CODE, "gpt-4", "openai")
    assert chosen == UseCaseChoice(
        use_case=USE_CASE_CODE, model="gpt-4", provider="openai", level=CHOICE_LEVEL_ORGANISATION
    )
    expected = PLATFORM | {USE_CASE_CODE: ("gpt-4", "openai", CHOICE_LEVEL_ORGANISATION)}
    assert await held(catalog, admin.colleague(project=fresh())) == expected
    assert await held(catalog, Person()) == PLATFORM


async def test_a_user_s_choice_stands_before_the_organisation_s(catalog: Catalog, admin: Person) -> None:
    member = admin.colleague()
    await choose(catalog, admin, USE_CASE_CODE, "gpt-4")
    await choose_for_oneself(catalog, member, USE_CASE_CODE, "claude-3-opus")
    assert (await held(catalog, member))[USE_CASE_CODE] == ("claude-3-opus", "", CHOICE_LEVEL_USER)
    assert (await held(catalog, admin))[USE_CASE_CODE] == ("gpt-4", "", CHOICE_LEVEL_ORGANISATION)


async def test_a_choice_that_is_taken_back_leaves_the_platform_s(catalog: Catalog, admin: Person) -> None:
    await choose(catalog, admin, USE_CASE_FAST, "gpt-4")
    left = await choose(catalog, admin, USE_CASE_FAST)
    assert (left.model, left.level) == ("openai/gpt-3.5-turbo", CHOICE_LEVEL_PLATFORM)
    assert left.reason == "Low latency, cost-effective"
    assert await held(catalog, admin) == PLATFORM


async def test_a_shared_custom_model_may_be_chosen_and_one_s_own_may_not(catalog: Catalog, admin: Person) -> None:
    await admin.create(catalog, described("ours"))
    error = await refusal(choose(catalog, admin, USE_CASE_CODE, "custom/ours"))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "model")
    await admin.create(catalog, described("ours", project_id=admin.project))
    assert (await choose(catalog, admin, USE_CASE_CODE, "custom/ours")).model == "custom/ours"


@pytest.mark.parametrize(
    ("use_case", "model", "provider", "field"),
    (
        (0, "gpt-4", "", "use_case"),
        (6, "gpt-4", "", "use_case"),
        (USE_CASE_CODE, "gpt-44", "", "model"),
        (USE_CASE_CODE, "auto", "", "model"),
        (USE_CASE_CODE, "auto/fast", "", "model"),
        (USE_CASE_CODE, "somebody/some-model", "", "model"),
        (USE_CASE_CODE, "gpt-4\0", "", "model"),
        (USE_CASE_CODE, "gpt-4", "acne", "provider"),
        (USE_CASE_CODE, "gpt-4", "open\0ai", "provider"),
    ),
)
async def test_what_cannot_be_chosen_is_refused_and_nothing_kept(
    catalog: Catalog, admin: Person, use_case: UseCase.ValueType, model: str, provider: str, field: str
) -> None:
    revision = await catalog.revision()
    error = await refusal(choose(catalog, admin, use_case, model, provider))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)
    assert await catalog.revision() == revision


async def test_an_unlisted_model_of_a_provider_with_a_key_of_the_organisation_may_be_chosen(
    catalog: Catalog, admin: Person
) -> None:
    assert (await choose(catalog, admin, USE_CASE_CODE, "openai/gpt-9")).model == "openai/gpt-9"
    assert (await refusal(choose(catalog, admin, USE_CASE_CODE, "anthropic/claude-9"))).reason == "INVALID_FIELD"
    async with catalog.db.write() as connection:
        await connection.execute(
            PROVIDER_KEYS.insert().values(
                id=fresh(),
                provider="anthropic",
                organisation_id=admin.organisation,
                label="",
                last_four="",
                fingerprint=fresh().encode(),
                sealed=b"",
                user_id=admin.id,
                create_time=times.now(),
            )
        )
    assert (await choose(catalog, admin, USE_CASE_CODE, "anthropic/claude-9")).model == "anthropic/claude-9"


async def test_only_administrators_of_the_organisation_choose_for_it(catalog: Catalog) -> None:
    for who in (Person(), Person(role=ROLE_PROJECT_ADMIN)):
        error = await refusal(choose(catalog, who, USE_CASE_CODE, "gpt-4"))
        assert (error.reason, error.metadata["required"]) == ("ACCESS_DENIED", "ROLE_ORGANISATION_ADMIN")


async def test_choices_for_different_use_cases_at_once_are_all_kept(catalog: Catalog, admin: Person) -> None:
    await asyncio.gather(*(choose(catalog, admin, use_case, "gpt-4") for use_case in PLATFORM))
    expected = dict.fromkeys(PLATFORM, ("gpt-4", "", CHOICE_LEVEL_ORGANISATION))
    assert await held(catalog, admin) == expected


async def test_each_change_is_announced_whole_and_what_changes_nothing_is_not(catalog: Catalog, admin: Person) -> None:
    revision = await catalog.revision()
    await choose(catalog, admin, USE_CASE_FAST, "gpt-4")
    await choose(catalog, admin, USE_CASE_FAST, "gpt-4")
    await choose(catalog, admin, USE_CASE_CODE, "gpt-4")
    await choose(catalog, admin, USE_CASE_FAST)
    await choose(catalog, admin, USE_CASE_VISION)
    events = [change.use_cases_changed for change in await catalog.changes_after(revision)]
    assert {event.organisation_id for event in events} == {admin.organisation}
    cases = [[(choice.use_case, choice.level) for choice in event.choices] for event in events]
    fast, code = ((case, CHOICE_LEVEL_ORGANISATION) for case in (USE_CASE_FAST, USE_CASE_CODE))
    assert cases == [[fast], [code, fast], [code]]


async def test_a_snapshot_has_the_platform_s_defaults_and_then_organisations_choices(
    own_catalog: Catalog, admin: Person
) -> None:
    await choose(own_catalog, admin, USE_CASE_CODE, "gpt-4", "openai")
    taken_back = Person(role=ROLE_ORGANISATION_ADMIN)
    await choose(own_catalog, taken_back, USE_CASE_CODE, "gpt-4")
    await choose(own_catalog, taken_back, USE_CASE_CODE)
    state = await own_catalog.state()
    events = [change.use_cases_changed for change in state.values() if change.HasField("use_cases_changed")]
    assert [event.organisation_id for event in events] == ["", admin.organisation]
    defaults = {choice.use_case: (choice.model, choice.provider, choice.level) for choice in events[0].choices}
    assert defaults == PLATFORM
    (choice,) = events[1].choices
    assert (choice.use_case, choice.model, choice.provider) == (USE_CASE_CODE, "gpt-4", "openai")


async def test_a_snapshot_has_the_defaults_that_were_announced_last_by_whatever_version(own_catalog: Catalog) -> None:
    async with own_catalog.db.write() as connection:
        await use_cases.write(connection, use_cases.PLATFORM, {"code": Choice("openai/gpt-4", "openai")})
    (choice,) = (await own_catalog.state())["use_cases_changed platform"].use_cases_changed.choices
    assert (choice.use_case, choice.model, choice.provider, choice.level) == (
        USE_CASE_CODE,
        "openai/gpt-4",
        "openai",
        CHOICE_LEVEL_PLATFORM,
    )


async def test_defaults_that_an_earlier_version_had_are_announced_anew_and_once(start_catalog: StartCatalog) -> None:
    before = await start_catalog()
    revision = await before.revision()
    await start_catalog()
    assert await before.revision() == revision
    async with before.db.write() as connection:
        await use_cases.write(connection, use_cases.PLATFORM, {"code": Choice("openai/gpt-4")})
    after = await start_catalog()
    await start_catalog()
    (change,) = await after.changes_after(revision)
    assert change.use_cases_changed.organisation_id == ""
    assert len(change.use_cases_changed.choices) == len(PLATFORM)
