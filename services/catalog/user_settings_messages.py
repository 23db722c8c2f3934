"""Users' settings as messages of pantheon.catalog.v1, and back."""

from dataclasses import asdict

from pantheon.catalog.v1 import parameters_pb2, settings_pb2
from pantheon.catalog.v1.use_case_pb2 import CHOICE_LEVEL_USER
from pantheon.events.v1.change_pb2 import Change, SettingsChanged
from services.catalog.entities import Parameters, UserSettings
from services.catalog.use_case_messages import choice_message, choice_of
from services.catalog.use_cases import given_choices, of_level
from services.runtime.times import to_timestamp


def settings_message(settings: UserSettings) -> settings_pb2.UserSettings:
    """A user's settings."""
    return settings_pb2.UserSettings(
        user_id=settings.user_id,
        preferred_model=settings.preferred_model,
        model_parameters=parameters_pb2.ModelParameters(**asdict(settings.parameters)),
        update_time=to_timestamp(settings.update_time) if settings.update_time else None,
        use_cases=map(choice_message, of_level(settings.use_cases, CHOICE_LEVEL_USER)),
    )


def changed(settings: UserSettings) -> Change:
    """The event of settings that changed."""
    return Change(settings_changed=SettingsChanged(settings=settings_message(settings)))


def given_settings(message: settings_pb2.UserSettings, user_id: str) -> UserSettings:
    """The settings a user asks for; what is output only in the message is not looked at.

    Raises:
        InvalidField: a use case is unknown, or chosen for twice.
    """
    given = {field.name: value for field, value in message.model_parameters.ListFields()}
    choices = given_choices("use_cases", ((choice.use_case, choice_of(choice)) for choice in message.use_cases))
    return UserSettings(user_id, message.preferred_model, Parameters(**given), use_cases=choices)
