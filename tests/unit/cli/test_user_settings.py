"""Settings as they are typed, one at a time."""

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListModelsRequest,
    ListModelsResponse,
    UpdateUserSettingsRequest,
    UpdateUserSettingsResponse,
)
from pantheon.catalog.v1.model_pb2 import Model
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import UseCase, UseCaseChoice
from services.cli.running import CommandFailed
from services.cli.user_settings import KEYS, change, clear, requested
from services.runtime.errors import InvalidField
from tests.unit.cli.answering import Answering, Prepared

CATALOG = "pantheon.catalog.v1.CatalogService"


@pytest.mark.parametrize(
    ("key", "value", "path", "settings"),
    (
        ("preferred_model", "gpt-4", "preferred_model", UserSettings(preferred_model="gpt-4")),
        (
            "temperature",
            "0.2",
            "model_parameters.temperature",
            UserSettings(model_parameters=ModelParameters(temperature=0.2)),
        ),
        (
            "model_parameters.presence_penalty",
            "-1",
            "model_parameters.presence_penalty",
            UserSettings(model_parameters=ModelParameters(presence_penalty=-1)),
        ),
        (
            "max_tokens",
            "100",
            "model_parameters.max_tokens",
            UserSettings(model_parameters=ModelParameters(max_tokens=100)),
        ),
        (
            "use_cases.long_context",
            "gpt-4",
            "use_cases.long_context",
            UserSettings(use_cases=[UseCaseChoice(use_case=UseCase.USE_CASE_LONG_CONTEXT, model="gpt-4")]),
        ),
    ),
)
def test_one_key_is_one_path(key: str, value: str, path: str, settings: UserSettings) -> None:
    request = requested(key, value, "")
    assert list(request.update_mask.paths) == [path]
    settings.model_parameters.SetInParent()
    assert request.settings == settings


def test_a_use_case_may_have_a_provider() -> None:
    (choice,) = requested("use_cases.code", "gpt-4", "openrouter").settings.use_cases
    assert (choice.model, choice.provider) == ("gpt-4", "openrouter")


@pytest.mark.parametrize(
    ("key", "value", "provider", "told"),
    (
        ("mood", "good", "", "KEY: 'mood' is not allowed; one of preferred_model, temperature"),
        ("use_cases.poetry", "gpt-4", "", "KEY: 'use_cases.poetry' is not allowed"),
        ("temperature", "hot", "", "temperature: 'hot' is not allowed; a number"),
        ("preferred_model", "", "", "`pantheon settings clear preferred_model` takes it back"),
        ("temperature", "1", "openai", "--provider: 'openai' is not allowed; only a use case has one"),
    ),
)
def test_a_mistake_is_named_with_what_is_allowed(key: str, value: str, provider: str, told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        requested(key, value, provider)


def test_a_fraction_of_a_token_is_none() -> None:
    with pytest.raises(InvalidField, match=r"^max_tokens: '2\.5' is not allowed; a whole number or null"):
        requested("max_tokens", "2.5", "")


async def test_every_key_can_be_cleared_and_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    update = Prepared(UpdateUserSettingsRequest, UpdateUserSettingsResponse())
    for key in KEYS:
        catalog = Answering(CATALOG, UpdateUserSettings=update)
        async with catalog.serving() as caller:
            await clear(caller, key, as_json=False)
        (request,) = catalog.asked
        assert len(request.update_mask.paths) == 1
        assert request.settings == UserSettings(model_parameters=ModelParameters())
        shown = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert shown == [[name, "-"] for name in KEYS]


async def test_a_model_that_may_not_be_chosen_is_told_with_those_called_alike() -> None:
    catalog = Answering(
        CATALOG,
        UpdateUserSettings=Prepared(
            UpdateUserSettingsRequest, InvalidField("settings.preferred_model", "gpt-44", "a model")
        ),
        ListModels=Prepared(
            ListModelsRequest, ListModelsResponse(models=[Model(id="openai/gpt-4", aliases=["gpt-4"])])
        ),
    )
    async with catalog.serving() as caller:
        with pytest.raises(CommandFailed, match=r"preferred_model: 'gpt-44' .*; is one of these meant: gpt-4"):
            await change(caller, "preferred_model", "gpt-44", "", as_json=False)
