"""`pantheon settings`: what the caller has chosen."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetUserSettingsRequest,
    ListCustomModelsRequest,
    UpdateUserSettingsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.cli.calling import Caller, CallFailed
from services.cli.near import suggesting
from services.cli.output import UNKNOWN, console, facts, print_json
from services.cli.running import WRONG_INPUT, CommandFailed
from services.edge.rest.custom_model_bodies import CustomModelBody, custom_model_body
from services.edge.rest.members import Members
from services.edge.rest.names import USE_CASES
from services.edge.rest.settings_bodies import SettingsBody, amendment, settings_body
from services.parameters import RANGES
from services.runtime.errors import AccessDenied, InvalidField

_MODEL = "preferred_model"
_PARAMETERS = "model_parameters"
_USE_CASES = "use_cases"
KEYS = (_MODEL, *RANGES, *(f"{_USE_CASES}.{name}" for name in USE_CASES))
"""What can be set, as it is typed."""

_NAMES = MappingProxyType({"settings.": "", f"settings.{_PARAMETERS}.": "", f"{_PARAMETERS}.": ""})


async def show(caller: Caller, *, as_json: bool) -> None:
    """Prints the settings; as JSON with the caller's custom models, as REST does."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        settings = (await caller.call(catalog.GetUserSettings, GetUserSettingsRequest())).settings
        await _print(caller, settings, as_json=as_json)


async def change(caller: Caller, key: str, value: str, provider: str, *, as_json: bool) -> None:
    """Sets one. Raises CommandFailed, InvalidField."""
    request = requested(key, value, provider)
    async with caller:
        async with suggesting(caller, "" if _parameter(key) in RANGES else value):
            settings = await _update(caller, request)
        await _print(caller, settings, as_json=as_json)


async def clear(caller: Caller, key: str, *, as_json: bool) -> None:
    """Takes one back. Raises CommandFailed."""
    request = amendment(Members(_placed(key, None)))
    async with caller:
        await _print(caller, await _update(caller, request), as_json=as_json)


def requested(key: str, value: str, provider: str) -> UpdateUserSettingsRequest:
    """The change that sets one. Raises CommandFailed, InvalidField."""
    if provider and not key.startswith(f"{_USE_CASES}."):
        raise CommandFailed(f"--provider: {provider!r} is not allowed; only a use case has one", WRONG_INPUT)
    if not value:
        raise CommandFailed(f"{key}: '' is not allowed; `pantheon settings clear {key}` takes it back", WRONG_INPUT)
    said: Any = {"model": value, "provider": provider} if provider else value
    if _parameter(key) in RANGES:
        said = _number(key, value)
    try:
        return amendment(Members(_placed(key, said)))
    except InvalidField as error:
        raise InvalidField(key, value, error.metadata["allowed"]) from None


def _parameter(key: str) -> str:
    """The name of the parameter, with its area or without."""
    return key.removeprefix(f"{_PARAMETERS}.")


def _placed(key: str, value: Any) -> Mapping[str, Any]:
    """The value where it stands in the document of settings."""
    if _parameter(key) in RANGES:
        return {_PARAMETERS: {_parameter(key): value}}
    area, _, use_case = key.partition(".")
    if area == _USE_CASES and (word := use_case.replace("_", "-")) in USE_CASES:
        return {_USE_CASES: {word: value}}
    if key == _MODEL:
        return {_MODEL: value}
    raise CommandFailed(f"KEY: {key!r} is not allowed; one of {', '.join(KEYS)}", WRONG_INPUT)


def _number(key: str, text: str) -> int | Decimal:
    try:
        return int(text) if text.removeprefix("-").isdecimal() else Decimal(text)
    except ArithmeticError:
        raise CommandFailed(f"{key}: {text!r} is not allowed; a number", WRONG_INPUT) from None


async def _update(caller: Caller, request: UpdateUserSettingsRequest) -> UserSettings:
    catalog = CatalogServiceStub(caller.channel)
    return (await caller.call(catalog.UpdateUserSettings, request, names=_NAMES)).settings


async def _print(caller: Caller, settings: UserSettings, *, as_json: bool) -> None:
    if as_json:
        print_json(settings_body(settings, await _custom_models(caller)))
        return
    console().print(facts(_said(settings_body(settings, None))))


def _said(settings: SettingsBody) -> Mapping[str, str]:
    """Every key with its value."""
    parameters = {name: settings.model_parameters.get(name) for name in RANGES}
    choices = {name: settings.use_cases.get(name) for name in USE_CASES}
    return {
        _MODEL: settings.preferred_model or UNKNOWN,
        **{name: UNKNOWN if value is None else f"{value}" for name, value in parameters.items()},
        **{
            f"{_USE_CASES}.{name}": UNKNOWN
            if choice is None
            else choice
            if isinstance(choice, str)
            else f"{choice.model} (by {choice.provider})"
            for name, choice in choices.items()
        },
    }


async def _custom_models(caller: Caller) -> list[CustomModelBody] | None:
    """The caller's; None where the key is not for that."""
    pages = caller.pages(CatalogServiceStub(caller.channel).ListCustomModels, ListCustomModelsRequest())
    try:
        return [custom_model_body(model) async for page in pages for model in page.custom_models]
    except CallFailed as failure:
        if isinstance(failure.error, AccessDenied):
            return None
        raise
