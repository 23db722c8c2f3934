from decimal import Decimal
from pathlib import Path

from pantheon.events.v1.completion_pb2 import CompletionCheckpointed, CompletionEvent, CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, OUTCOME_LOST
from pantheon.usage.v1.measure_pb2 import Timing, TokenUsage
from services.router.journal import estimate_finish, finish_unfinished
from services.runtime import money
from services.runtime.times import duration
from tests.unit.router.journals import all_records, crash, open_journal, opened, start_payload, started


def test_an_estimate_says_what_it_is_under_the_id_fixed_at_the_start() -> None:
    start = started(prompt_tokens=70)
    finished = estimate_finish(start, None)
    assert finished.event_id == start.finish_id
    assert finished.started == start
    assert (finished.outcome, finished.state, finished.final) == (OUTCOME_LOST, LEDGER_STATE_ESTIMATED, True)
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (70, 0)
    assert not finished.HasField("timing")
    assert not finished.HasField("cost")


def test_four_characters_count_as_a_token() -> None:
    for characters, tokens in ((0, 0), (1, 1), (4, 1), (5, 2), (400, 100)):
        checkpoint = CompletionCheckpointed(completion_characters=characters)
        assert estimate_finish(started(), checkpoint).tokens.completion_tokens == tokens


def test_what_was_reported_on_the_way_counts_unless_more_had_come() -> None:
    reported = TokenUsage(prompt_tokens=55, completion_tokens=30, cached_tokens=5)
    few = CompletionCheckpointed(completion_characters=80, tokens=reported)
    many = CompletionCheckpointed(completion_characters=800, tokens=reported)
    assert estimate_finish(started(70), few).tokens == reported
    reported.completion_tokens = 200
    assert estimate_finish(started(70), many).tokens == reported


def test_timing_and_the_providers_id_come_from_the_checkpoint() -> None:
    timing = Timing(time_to_first_token=duration(0.2), total=duration(3))
    finished = estimate_finish(started(), CompletionCheckpointed(timing=timing, provider_response_id="resp-1"))
    assert finished.timing == timing
    assert finished.provider_response_id == "resp-1"


def test_the_cost_is_what_the_rate_says() -> None:
    def rate(finished: CompletionFinished) -> None:
        finished.cost.amount.CopyFrom(money.to_proto(Decimal("0.01") * finished.tokens.completion_tokens))

    finished = estimate_finish(started(), CompletionCheckpointed(completion_characters=40), rate)
    assert money.from_proto(finished.cost.amount) == Decimal("0.10")


async def test_attempts_left_open_are_finished_from_their_last_checkpoint(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path)
    starts = [started(prompt_tokens) for prompt_tokens in (10, 20, 30)]
    numbers = [journal.start(start_payload(start), 500) for start in starts]
    for characters in (4, 40):
        checkpointed = CompletionCheckpointed(attempt_id=starts[1].attempt_id, completion_characters=characters)
        journal.checkpoint(numbers[1], CompletionEvent(checkpointed=checkpointed).SerializeToString())
    await journal.finish(numbers[2], b"")
    await crash(journal)
    async with opened(tmp_path, name=str(journal.spool.id)) as journal:
        assert await finish_unfinished(journal, None) == 2
        assert await finish_unfinished(journal, None) == 0
        records = [CompletionEvent.FromString(payload).finished for _, payload in await all_records(journal, first=5)]
        assert [finished.event_id for finished in records] == [start.finish_id for start in starts[:2]]
        assert [finished.tokens.completion_tokens for finished in records] == [0, 10]
        assert journal.durable_number == 6


async def test_a_start_that_is_no_event_is_closed_empty(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path)
    journal.start(b"\xff\xff", 100)
    await crash(journal)
    async with opened(tmp_path, name=str(journal.spool.id)) as journal:
        await finish_unfinished(journal, None)
        assert await all_records(journal) == [(1, b"\xff\xff"), (2, b"")]
