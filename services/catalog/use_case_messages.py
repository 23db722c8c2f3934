"""What use cases stand for, as messages of pantheon.catalog.v1."""

from collections.abc import Iterable

from pantheon.catalog.v1.use_case_pb2 import CHOICE_LEVEL_ORGANISATION, CHOICE_LEVEL_PLATFORM, UseCaseChoice
from pantheon.events.v1.change_pb2 import Change, UseCasesChanged
from services.catalog.entities import Choice
from services.catalog.seed.use_cases import REASONS
from services.catalog.use_cases import Choices, Held, of_level


def choice_message(held: Held) -> UseCaseChoice:
    """A choice, with the platform's reason where it is the platform's."""
    choice = held.choice
    return UseCaseChoice(
        use_case=held.use_case,
        model=choice.model,
        provider=choice.provider,
        level=held.level,
        reason=REASONS[held.use_case] if held.level == CHOICE_LEVEL_PLATFORM else "",
    )


def choice_of(message: UseCaseChoice) -> Choice:
    """What a choice names; what is output only in the message is not looked at."""
    return Choice(message.model, message.provider)


def organisation_changed(organisation_id: str, choices: Choices) -> Change:
    """The event of an organisation's choices."""
    return _changed(organisation_id, of_level(choices, CHOICE_LEVEL_ORGANISATION))


def platform_changed(choices: Choices) -> Change:
    """The event of the platform's defaults."""
    return _changed("", of_level(choices, CHOICE_LEVEL_PLATFORM))


def _changed(organisation_id: str, held: Iterable[Held]) -> Change:
    event = UseCasesChanged(organisation_id=organisation_id, choices=map(choice_message, held))
    return Change(use_cases_changed=event)
