"""Settings as users keep them, and as routers hear of them."""

import asyncio
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pantheon.catalog.v1.catalog_service_pb2 import GetUserSettingsRequest, UpdateUserSettingsRequest
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import (
    CHOICE_LEVEL_USER,
    USE_CASE_CODE,
    USE_CASE_GENERAL,
    USE_CASE_LONG_CONTEXT,
    UseCaseChoice,
)
from services.catalog.use_cases import USE_CASES
from services.runtime.bus import Bus
from services.runtime.errors import PantheonError
from services.runtime.follower import Follower
from services.runtime.ids import uuid7
from services.runtime.tasks import Tasks
from tests.fixtures.eventually import eventually
from tests.fixtures.refusals import refusal
from tests.integration.catalog.people import Person, described
from tests.integration.catalog.replica import Catalog, StartCatalog, as_user, changed


async def get(catalog: Catalog, user: str) -> UserSettings:
    answer = await catalog.stub.GetUserSettings(GetUserSettingsRequest(), metadata=as_user(user))
    settings: UserSettings = answer.settings
    return settings


async def update(catalog: Catalog, user: str, settings: UserSettings, *paths: str) -> UserSettings:
    request = UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=paths))
    answer = await catalog.stub.UpdateUserSettings(request, metadata=as_user(user))
    kept: UserSettings = answer.settings
    return kept


async def refused(catalog: Catalog, settings: UserSettings, *paths: str) -> PantheonError:
    return await refusal(update(catalog, str(uuid7()), settings, *paths))


def chosen(model: str = "", **parameters: Any) -> UserSettings:
    return UserSettings(preferred_model=model, model_parameters=ModelParameters(**parameters))


def for_use_cases(**models: str) -> UserSettings:
    choices = (UseCaseChoice(use_case=USE_CASES[name], model=model) for name, model in models.items())
    return UserSettings(use_cases=choices)


@pytest.fixture
def user() -> str:
    return str(uuid7())


async def test_a_user_who_never_chose_has_empty_settings(catalog: Catalog, user: str) -> None:
    assert await get(catalog, user) == UserSettings(user_id=user, model_parameters=ModelParameters())


async def test_settings_come_back_as_they_were_set(catalog: Catalog, user: str) -> None:
    wanted = chosen("openai/gpt-4", temperature=0.0, max_tokens=2_000, top_p=1.0, presence_penalty=-0.1)
    kept = await update(catalog, user, wanted)
    assert (kept.preferred_model, kept.model_parameters) == (wanted.preferred_model, wanted.model_parameters)
    assert (kept.user_id, kept.HasField("update_time")) == (user, True)
    assert not kept.model_parameters.HasField("frequency_penalty")
    assert await get(catalog, user) == kept


async def test_without_a_mask_everything_is_replaced(catalog: Catalog, user: str) -> None:
    await update(catalog, user, chosen("gpt-4", temperature=1.5, max_tokens=100))
    kept = await update(catalog, user, chosen(top_p=0.5))
    assert (kept.preferred_model, kept.model_parameters) == ("", ModelParameters(top_p=0.5))


async def test_a_mask_writes_and_clears_only_what_it_names(catalog: Catalog, user: str) -> None:
    await update(catalog, user, chosen("gpt-4", temperature=1.5, max_tokens=100))
    named = ("model_parameters.temperature", "model_parameters.top_p")
    kept = await update(catalog, user, chosen("ignored", top_p=0.5, max_tokens=7), *named)
    assert (kept.preferred_model, kept.model_parameters) == ("gpt-4", ModelParameters(max_tokens=100, top_p=0.5))
    kept = await update(catalog, user, chosen("claude-3-opus"), "model_parameters")
    assert (kept.preferred_model, kept.model_parameters) == ("gpt-4", ModelParameters())


async def test_users_do_not_see_or_touch_each_other_s_settings(catalog: Catalog, user: str) -> None:
    other = str(uuid7())
    await update(catalog, user, chosen("gpt-4"))
    await update(catalog, other, UserSettings(user_id=user, preferred_model="claude-3-opus"))
    assert (await get(catalog, user)).preferred_model == "gpt-4"
    assert (await get(catalog, other)).preferred_model == "claude-3-opus"


@pytest.mark.parametrize(
    ("settings", "paths", "field", "allowed"),
    (
        (chosen(temperature=3.0), (), "model_parameters.temperature", "0 to 2"),
        (chosen(temperature=float("nan")), (), "model_parameters.temperature", "0 to 2"),
        (chosen("gpt-4", max_tokens=4_097), (), "model_parameters.max_tokens", "1 to 4096, a whole number"),
        (chosen("auto"), (), "preferred_model", "the id or an alias"),
        (chosen("openrouter/auto"), (), "preferred_model", "configured provider"),
        (chosen("openai/gpt\0"), (), "preferred_model", "without U+0000"),
        (chosen("gpt-4"), ("model",), "update_mask", "preferred_model, model_parameters"),
    ),
)
async def test_what_is_not_allowed_is_refused_and_changes_nothing(
    catalog: Catalog, settings: UserSettings, paths: tuple[str, ...], field: str, allowed: str
) -> None:
    revision = await catalog.revision()
    error = await refused(catalog, settings, *paths)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)
    assert allowed in error.metadata["allowed"]
    assert await catalog.revision() == revision


async def test_choices_for_use_cases_come_back_as_they_were_set(catalog: Catalog, user: str) -> None:
    wanted = [
        UseCaseChoice(use_case=USE_CASE_CODE, model="claude-3-opus", provider="openrouter", level=CHOICE_LEVEL_USER),
        UseCaseChoice(use_case=USE_CASE_LONG_CONTEXT, model="openai/gpt-4", level=CHOICE_LEVEL_USER),
    ]
    kept = await update(catalog, user, UserSettings(use_cases=reversed(wanted)))
    assert list(kept.use_cases) == wanted
    assert await get(catalog, user) == kept


async def test_a_mask_writes_and_clears_single_choices(catalog: Catalog, user: str) -> None:
    await update(catalog, user, for_use_cases(code="gpt-4", fast="gpt-4", general="gpt-4"))
    asked = for_use_cases(code="claude-3-opus", vision="claude-3-opus")
    kept = await update(catalog, user, asked, "use_cases.code", "use_cases.fast", "use_cases.long_context")
    assert {choice.use_case: choice.model for choice in kept.use_cases} == {
        USE_CASE_GENERAL: "gpt-4",
        USE_CASE_CODE: "claude-3-opus",
    }
    assert not (await update(catalog, user, UserSettings(preferred_model="gpt-4"), "use_cases")).use_cases


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    (
        (UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="gpt-44")]), "use_cases.code", "gpt-44"),
        (UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="auto")]), "use_cases.code", "auto"),
        (
            UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="custom/gone")]),
            "use_cases.code",
            "custom/gone",
        ),
        (UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="a\0")]), "use_cases.code", "a\0"),
        (UserSettings(use_cases=[UseCaseChoice(model="gpt-4")]), "use_cases", "0"),
        (UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="gpt-4")] * 2), "use_cases", "code"),
        (
            UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, model="gpt-4", provider="acne")]),
            "use_cases.code.provider",
            "acne",
        ),
    ),
)
async def test_a_choice_that_is_none_is_refused(
    catalog: Catalog, settings: UserSettings, field: str, value: str
) -> None:
    error = await refused(catalog, settings)
    assert (error.reason, error.metadata["field"], error.metadata["value"]) == ("INVALID_FIELD", field, value)


async def test_a_custom_model_may_be_preferred_by_who_has_it_and_within_its_context_window(catalog: Catalog) -> None:
    ada = Person()
    await ada.create(catalog, described("mine", context_window=4_096))
    await ada.create(catalog, described("ours", project_id=ada.project))
    for model in ("custom/mine", "custom/ours"):
        assert (await choose(catalog, ada, chosen(model, max_tokens=4_096))).preferred_model == model
    error = await refusal(choose(catalog, ada, chosen("custom/mine", max_tokens=4_097)))
    assert (error.metadata["field"], error.metadata["allowed"]) == (
        "model_parameters.max_tokens",
        "1 to 4096, a whole number",
    )
    bob = ada.colleague()
    assert (await choose(catalog, bob, chosen("custom/ours"))).preferred_model == "custom/ours"
    assert (await refusal(choose(catalog, bob, chosen("custom/mine")))).metadata["field"] == "preferred_model"


async def test_a_preferred_model_that_is_removed_stays_preferred(catalog: Catalog) -> None:
    ada = Person()
    await ada.create(catalog, described("mine"))
    await choose(catalog, ada, chosen("custom/mine"))
    await ada.delete(catalog, "custom/mine")
    assert (await get(catalog, ada.id)).preferred_model == "custom/mine"
    assert (await choose(catalog, ada, chosen(temperature=0.2), "model_parameters.temperature")).preferred_model


async def choose(catalog: Catalog, who: Person, settings: UserSettings, *paths: str) -> UserSettings:
    request = UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=paths))
    kept: UserSettings = (await catalog.stub.UpdateUserSettings(request, metadata=who.metadata)).settings
    return kept


async def test_unlisted_models_may_be_preferred_once_a_provider_is_configured_that_offers_them(
    own_catalog: Catalog, start_catalog: StartCatalog, user: str
) -> None:
    assert (await update(own_catalog, user, chosen("openai/gpt-9"))).preferred_model == "openai/gpt-9"
    assert (await refused(own_catalog, chosen("somebody/some-model"))).reason == "INVALID_FIELD"
    await start_catalog(environment={"OPENROUTER_API_KEY": "sk-or"})
    assert (await update(own_catalog, user, chosen("somebody/some-model"))).preferred_model == "somebody/some-model"


async def test_a_change_is_announced_once_and_what_changes_nothing_is_not(catalog: Catalog, user: str) -> None:
    revision = await catalog.revision()
    first = await update(catalog, user, chosen("gpt-4", temperature=0.3))
    again = await update(catalog, user, chosen("gpt-4", temperature=0.3))
    assert again == first
    (change,) = await catalog.changes_after(revision)
    assert change.settings_changed.settings == first


async def test_changes_of_different_fields_at_once_are_all_kept(catalog: Catalog, user: str) -> None:
    fields: dict[str, Any] = {"temperature": 0.1, "top_p": 0.2, "frequency_penalty": 0.3, "presence_penalty": 0.4}
    await asyncio.gather(
        *(update(catalog, user, chosen(**{name: value}), f"model_parameters.{name}") for name, value in fields.items())
    )
    assert (await get(catalog, user)).model_parameters == ModelParameters(**fields)


async def test_a_follower_has_the_whole_catalog_and_hears_of_changes_at_once(
    start_catalog: StartCatalog, bus: Bus, user: str
) -> None:
    catalog = await start_catalog(bus=bus)
    state: dict[str, Any] = {}

    def apply(change: Any) -> None:
        state[changed(change)] = change

    await update(catalog, user, chosen("gpt-4"))
    follower = Follower("catalog", bus, catalog.router, reset=state.clear, apply=apply)
    tasks = Tasks()
    tasks.start("follower", follower.run())
    try:
        async with asyncio.timeout(10):
            await follower.loaded.wait()
        assert state == await catalog.state()
        assert state[f"settings_changed {user}"].settings_changed.settings.preferred_model == "gpt-4"
        other = str(uuid7())
        await update(catalog, other, chosen(temperature=0.5))
        await eventually(lambda: f"settings_changed {other}" in state, timeout=2)
        assert follower.revision == await catalog.revision()
    finally:
        await tasks.close()
