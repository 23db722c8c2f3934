"""What an answer of Gemini's says about itself, for the journal and the ledger."""

from services.router.chat import Facts
from services.router.wire.gemini.answer import Response
from services.router.wire.gemini.choice import Json
from services.router.wire.gemini.finish import native_reason
from services.router.wire.openai_chat_answer import clean_id


def note_identity(facts: Facts, response: Response) -> None:
    """Notes which answer of which model it is."""
    if response.response_id and not facts.response_id:
        facts.response_id = clean_id(response.response_id)
    if response.model_version:
        facts.served_model = clean_id(response.model_version)


def note_end(facts: Facts, index: int, reason: str | None) -> None:
    """Notes that a choice has been seen, and whether it has come to its end."""
    if reason is not None:
        facts.finish_reason = reason
        facts.open_choices.discard(index)
        facts.ended_choices.add(index)
    elif index not in facts.ended_choices:
        facts.open_choices.add(index)


def blocked(response: Response) -> Json | None:
    """The end of the choice that stands for a prompt Google would not answer; None where it did not say so."""
    native = native_reason(response.prompt_feedback.block_reason) if response.prompt_feedback else None
    return None if native is None else {"finish_reason": "content_filter", "native_finish_reason": native}
