"""A user's settings as JSON, both ways. Pure."""

from collections.abc import Iterable

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask

from pantheon.catalog.v1.catalog_service_pb2 import UpdateUserSettingsRequest
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import UseCaseChoice
from services.edge.rest.custom_model_bodies import CustomModelBody
from services.edge.rest.members import Members
from services.edge.rest.names import USE_CASES
from services.edge.rest.parameters import given_parameters, parameter_paths, parameters_body
from services.runtime.errors import InvalidField

_MODEL = "preferred_model"
_PARAMETERS = "model_parameters"
_USE_CASES = "use_cases"
_WRITTEN = (_MODEL, _PARAMETERS, _USE_CASES)
READ_ONLY = ("user_id", "custom_models")


class ChoiceBody(msgspec.Struct, frozen=True):
    """A choice that names its provider, too."""

    model: str
    provider: str


class SettingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The settings; a PUT of what a GET gave changes nothing.

    `model_parameters` has those that are set, `use_cases` the user's own choices by use case. `custom_models` is what
    `/api/custom-models` lists; null: the credential is not for that.
    """

    preferred_model: str | None
    model_parameters: dict[str, float | int]
    use_cases: dict[str, str | ChoiceBody]
    user_id: str
    custom_models: list[CustomModelBody] | None


def settings_body(settings: UserSettings, custom_models: list[CustomModelBody] | None) -> SettingsBody:
    """The settings as they are shown."""
    return SettingsBody(
        preferred_model=settings.preferred_model or None,
        model_parameters=parameters_body(settings.model_parameters),
        use_cases=_choices_body(settings.use_cases),
        user_id=settings.user_id,
        custom_models=custom_models,
    )


def amendment(body: Members) -> UpdateUserSettingsRequest:
    """The change that writes the members named; its mask has no paths where none is.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    settings = _settings(body)
    paths = [_MODEL] if _MODEL in body else []
    paths += parameter_paths(body, _PARAMETERS)
    if body.is_null(_USE_CASES):
        paths.append(_USE_CASES)
    choices = body.object(_USE_CASES)
    # The contract's names have no hyphens.
    paths += [choices.path(name.replace("-", "_")) for name in USE_CASES if name in choices]
    return UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=paths))


def replacement(body: Members) -> UpdateUserSettingsRequest:
    """The change that writes everything.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    return UpdateUserSettingsRequest(settings=_settings(body), update_mask=FieldMask(paths=_WRITTEN))


def placed(error: InvalidField) -> InvalidField:
    """The catalog's refusal of a change by the path that the value has here."""
    found = error.metadata
    area, _, rest = found["field"].partition(".")
    field = f"{area}.{rest.replace('_', '-')}" if area == _USE_CASES else found["field"]
    return InvalidField(field, found["value"], found["allowed"])


def _settings(body: Members) -> UserSettings:
    body.only((*_WRITTEN, *READ_ONLY))
    return UserSettings(
        preferred_model=body.text(_MODEL) or "",
        model_parameters=given_parameters(body, _PARAMETERS),
        use_cases=_given_choices(body.object(_USE_CASES)),
    )


def _choices_body(choices: Iterable[UseCaseChoice]) -> dict[str, str | ChoiceBody]:
    shown: dict[str, str | ChoiceBody] = {}
    for choice in choices:
        name = USE_CASES.of(choice.use_case)
        if name is not None:
            shown[name] = ChoiceBody(choice.model, choice.provider) if choice.provider else choice.model
    return shown


def _given_choices(choices: Members) -> list[UseCaseChoice]:
    choices.only(tuple(USE_CASES))
    return [_given_choice(choices, name) for name in USE_CASES if name in choices and not choices.is_null(name)]


def _given_choice(choices: Members, name: str) -> UseCaseChoice:
    use_case = USE_CASES.value(name, choices.path(name))
    if not isinstance(choices.plain(name), dict):
        return UseCaseChoice(use_case=use_case, model=choices.required(name))
    choice = choices.object(name)
    choice.only(("model", "provider"))
    return UseCaseChoice(use_case=use_case, model=choice.required("model"), provider=choice.text("provider") or "")
