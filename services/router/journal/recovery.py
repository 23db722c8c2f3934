"""What becomes of attempts that a crash left open: each gets an estimated finish, under the id fixed at its start.

Whatever else settles the attempt meanwhile (a FINISH that had reached the ledger, the usage service itself) has the
same id, and the ledger takes an id once.
"""

from collections.abc import Callable

from google.protobuf.message import DecodeError

from pantheon.events.v1.completion_pb2 import (
    CompletionCheckpointed,
    CompletionEvent,
    CompletionFinished,
    CompletionStarted,
)
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, OUTCOME_LOST
from services.router.chat import CHARACTERS_PER_TOKEN
from services.router.journal import metrics
from services.router.journal.journal import Journal
from services.runtime.logging import get_logger

# Sets the cost of an estimated finish; leaves it unset where no price is known.
Rate = Callable[[CompletionFinished], None]


def estimate_finish(
    started: CompletionStarted, checkpoint: CompletionCheckpointed | None, rate: Rate | None = None
) -> CompletionFinished:
    """How an attempt is taken to have ended that was lost in a crash. Pure, but for what `rate` does.

    The prompt counts as reported, else as estimated before dispatch; the completion as reported so far or by the
    characters that had come, whichever is more. Without a checkpoint nothing had come, as far as is known.
    """
    finished = CompletionFinished(
        event_id=started.finish_id,
        started=started,
        outcome=OUTCOME_LOST,
        state=LEDGER_STATE_ESTIMATED,
        final=True,
    )
    characters = 0
    if checkpoint is not None:
        finished.tokens.CopyFrom(checkpoint.tokens)
        finished.provider_response_id = checkpoint.provider_response_id
        characters = checkpoint.completion_characters
        if checkpoint.HasField("timing"):
            finished.timing.CopyFrom(checkpoint.timing)
    tokens = finished.tokens
    if not tokens.HasField("prompt_tokens"):
        tokens.prompt_tokens = started.estimated_prompt_tokens
    tokens.completion_tokens = max(tokens.completion_tokens, -(-characters // CHARACTERS_PER_TOKEN))
    if rate is not None:
        rate(finished)
    return finished


async def finish_unfinished(journal: Journal, rate: Rate | None) -> int:
    """Gives every attempt that was found open an estimated finish; returns how many, once they are durable.

    Raises JournalUnavailable when the disk fails.
    """
    unfinished = list(journal.unfinished.items())
    for number, attempt in unfinished:
        checkpoint = attempt.checkpoint.payload if attempt.checkpoint else None
        try:
            payload = _finish_payload(attempt.start.payload, checkpoint, rate)
        except DecodeError as error:
            # Sound on disk, yet no event: published empty, it ends as a dead letter for everybody to see.
            get_logger().error("journal.start_unreadable", spool=str(journal.spool.id), number=number, error=str(error))
            payload = b""
        journal.finish_nowait(number, payload)
    if unfinished:
        await journal.sync()
        metrics.ESTIMATED.inc(len(unfinished))
        get_logger().warning("journal.attempts_estimated", spool=str(journal.spool.id), count=len(unfinished))
    return len(unfinished)


def _finish_payload(start: bytes, checkpoint: bytes | None, rate: Rate | None) -> bytes:
    started = CompletionEvent.FromString(start).started
    checkpointed = CompletionEvent.FromString(checkpoint).checkpointed if checkpoint is not None else None
    return CompletionEvent(finished=estimate_finish(started, checkpointed, rate)).SerializeToString()
