"""What an attempt books: states, tokens, costs, times."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, Surface, Target
from pantheon.usage.v1.measure_pb2 import TokenUsage
from services.rating import Tokens
from services.router.attempts import booked_as
from services.router.catalog import Endpoint
from services.router.plan import Candidate
from services.runtime import times
from services.runtime.errors import (
    InternalFault,
    JournalUnavailable,
    ProviderAuthentication,
    ProviderBroken,
    ProviderFailed,
    by_reason,
)
from services.runtime.ids import uuid7_time
from tests.unit.router.calls import WIRE, KeptJournal, attempt, override, price, provider, request

USED = Tokens(prompt_tokens=100, completion_tokens=10, cached_tokens=0)
BROKEN = ProviderBroken("gone", phase="stream")
DAY = timedelta(days=1)


async def test_the_start_says_all_that_a_ledger_row_needs() -> None:
    journal = KeptJournal()
    made = attempt(journal, price(), asked=request(stream=True, messages=["x" * 397]))
    started = journal.started
    assert started.attempt_id == str(made.id)
    assert uuid7_time(made.id) == made.started
    assert started.finish_id != started.attempt_id
    assert started.attempt_number == 1
    assert started.price_version_id == "price-1"
    assert started.estimated_prompt_tokens == -(-made._call.request.size // 4)
    assert started.target == Target(
        model="openai/gpt-4",
        provider="openai",
        provider_model_id="gpt-4-0613",
        surface=Surface.SURFACE_GRPC,
        stream=True,
    )
    assert started.attribution.organisation_id == "organisation-1"


async def test_reported_tokens_settle_it() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.http_status = 200
    made.facts.tokens = USED
    made.facts.reported_cost = Decimal("0.0014")
    receipt = await made.succeed()
    finished = journal.finished
    assert finished.event_id == journal.started.finish_id
    assert finished.started == journal.started
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_SETTLED)
    assert finished.tokens == TokenUsage(prompt_tokens=100, completion_tokens=10, cached_tokens=0)
    assert (finished.final, finished.http_status) == (True, 200)
    assert Decimal(receipt.amount) == Decimal(finished.cost.amount.value) == Decimal("0.0013")
    assert Decimal(finished.cost.provider_reported.value) == Decimal("0.0014")
    assert finished.cost.price_version_id == receipt.cost.price_version_id == "price-1"
    assert journal.durable == 1


@pytest.mark.parametrize(("characters", "booked"), ((8, 10), (400, 100)))
async def test_a_running_count_of_an_answer_cut_off_is_a_floor_not_the_truth(characters: int, booked: int) -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.facts.tokens, made.facts.counts_so_far, made.facts.characters = USED, True, characters
    receipt = await made.cancel()
    assert receipt.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert journal.finished.tokens == TokenUsage(prompt_tokens=100, completion_tokens=booked, cached_tokens=0)


async def test_without_usage_it_is_estimated_from_what_was_sent_and_written() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.facts.characters = 41
    receipt = await made.succeed()
    assert journal.finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert receipt.tokens.prompt_tokens == journal.started.estimated_prompt_tokens
    assert receipt.tokens.completion_tokens == 11
    assert receipt.amount


async def test_half_a_usage_is_completed_by_an_estimate() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.facts.tokens = Tokens(prompt_tokens=100, cached_tokens=64)
    made.facts.characters = 8
    receipt = await made.succeed()
    assert receipt.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert receipt.tokens == TokenUsage(prompt_tokens=100, completion_tokens=2, cached_tokens=64)


async def test_reported_zeros_are_settled_zeros() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.facts.tokens = Tokens(prompt_tokens=0, completion_tokens=0)
    made.facts.characters = 100
    receipt = await made.succeed()
    assert receipt.state == LedgerState.LEDGER_STATE_SETTLED
    assert Decimal(receipt.amount) == 0


async def test_an_unpriced_attempt_has_no_amount_but_what_the_provider_says() -> None:
    journal = KeptJournal()
    made = attempt(journal)
    made.facts.tokens = USED
    made.facts.reported_cost = Decimal("0.1")
    receipt = await made.succeed()
    assert not receipt.amount
    assert not receipt.cost.HasField("amount")
    assert not journal.finished.cost.HasField("amount")
    assert journal.finished.cost.price_version_id == ""
    assert Decimal(journal.finished.cost.provider_reported.value) == Decimal("0.1")


async def test_the_price_is_the_one_in_force_when_it_starts() -> None:
    now = datetime.now(UTC)
    prices = (
        price("past", since=now - 2 * DAY),
        price("present", "1", since=now - DAY),
        price("next", since=now + DAY),
    )
    journal = KeptJournal()
    made = attempt(journal, *prices)
    made.facts.tokens = Tokens(prompt_tokens=1_000_000, completion_tokens=0)
    assert made.amount() == 1
    assert Decimal((await made.succeed()).amount) == 1
    assert journal.started.price_version_id == "present"


async def test_before_its_first_price_a_model_is_unpriced() -> None:
    journal = KeptJournal()
    made = attempt(journal, price(since=datetime.now(UTC) + DAY))
    made.facts.tokens = USED
    assert not (await made.succeed()).amount


async def test_nothing_known_yet_has_no_amount() -> None:
    assert attempt(KeptJournal(), price()).amount() is None


@pytest.mark.parametrize("status", (302, 400, 401, 429, 500, 503))
async def test_what_the_provider_refused_by_its_status_used_nothing_and_cost_nothing(status: int) -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.http_status = status
    await made.fail(ProviderFailed("no"))
    finished = journal.finished
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_FAILED, LedgerState.LEDGER_STATE_SETTLED)
    assert finished.tokens == TokenUsage(prompt_tokens=0, completion_tokens=0)
    assert Decimal(finished.cost.amount.value) == 0
    assert finished.error_reason == ErrorReason.ERROR_REASON_PROVIDER_FAILED
    assert finished.http_status == status


async def test_the_cost_of_a_refusal_stays_unknown_where_no_price_is() -> None:
    journal = KeptJournal()
    made = attempt(journal)
    made.http_status = 429
    await made.fail(ProviderFailed("no"))
    assert not journal.finished.cost.HasField("amount")


@pytest.mark.parametrize("status", (0, 200))
async def test_what_broke_off_is_estimated_for_the_provider_may_bill_it(status: int) -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.http_status = status
    made.facts.characters = 8
    await made.fail(BROKEN)
    assert journal.finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert journal.finished.tokens.completion_tokens == 2
    assert journal.finished.tokens.prompt_tokens > 0


async def test_what_broke_off_after_its_usage_is_settled() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.http_status = 200
    made.facts.tokens = USED
    await made.fail(BROKEN)
    assert journal.finished.state == LedgerState.LEDGER_STATE_SETTLED


async def test_a_failure_that_another_attempt_followed_is_not_the_final_one_and_is_timed_when_it_failed() -> None:
    journal = KeptJournal()
    arrived = time.monotonic() - 100
    made = attempt(journal, began=arrived)
    made.fail_over(BROKEN, arrived + 3)
    assert not journal.finished.final
    assert times.seconds(journal.finished.timing.total) == pytest.approx(3)
    assert journal.durable == 0


async def test_cancelled_by_the_client_is_estimated_unless_usage_had_come() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    made.facts.characters = 8
    await made.cancel()
    assert journal.finished.outcome == Outcome.OUTCOME_CANCELLED
    assert journal.finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert journal.finished.error_reason == ErrorReason.ERROR_REASON_UNSPECIFIED


async def test_what_was_never_sent_closes_its_start_and_nothing_else() -> None:
    journal = KeptJournal()
    attempt(journal, price()).never_dispatched()
    finished = journal.finished
    assert finished == CompletionFinished(
        event_id=journal.started.finish_id, started=journal.started, not_dispatched=True
    )


async def test_a_journal_that_refuses_refuses_the_attempt() -> None:
    with pytest.raises(JournalUnavailable):
        attempt(KeptJournal(refuses=True))


async def test_the_room_reserved_is_enough_for_the_finish() -> None:
    journal = KeptJournal()
    made = attempt(journal, price())
    facts = made.facts
    facts.response_id, facts.served_model, facts.finish_reason = "r" * 256, "m" * 256, "f" * 64
    facts.tokens = Tokens(*[2**53] * 7)
    facts.reported_cost = Decimal("123456789.123456789012345678901234567890")
    await made.succeed()
    assert journal.sizes[0] <= journal.reserves[0]


async def test_the_first_token_is_timed_and_of_a_whole_answer_the_whole() -> None:
    journal = KeptJournal()
    made = attempt(journal)
    made.note_progress()
    assert made.first_token_at is None
    made.facts.characters = 1
    made.note_progress()
    first = made.first_token_at
    made.note_progress()
    assert made.first_token_at == first is not None
    receipt = await made.succeed()
    first, total = times.seconds(receipt.timing.time_to_first_token), times.seconds(receipt.timing.total)
    assert 0 < first < total

    whole = attempt(KeptJournal())
    receipt = await whole.succeed()
    assert receipt.timing.time_to_first_token == receipt.timing.total


async def test_what_never_gave_a_token_has_no_time_to_one() -> None:
    journal = KeptJournal()
    await attempt(journal).cancel()
    assert not journal.finished.timing.HasField("time_to_first_token")


async def test_a_long_stream_is_checkpointed_each_second() -> None:
    journal = KeptJournal()
    made = attempt(journal)
    made.facts.characters = 8
    made.facts.response_id = "c-1"
    made.note_progress()
    assert len(journal.events) == 1
    made._checkpointed_at -= 1
    made.note_progress()
    made.note_progress()
    (checkpoint,) = (event.checkpointed for event in journal.events if event.HasField("checkpointed"))
    assert (checkpoint.attempt_id, checkpoint.completion_characters) == (str(made.id), 8)
    assert checkpoint.provider_response_id == "c-1"
    assert not checkpoint.HasField("tokens")


def test_a_failure_is_booked_under_its_provider_and_what_was_not_foreseen_under_ours() -> None:
    candidate = Candidate(provider("openai"), Endpoint("openai", "gpt-4"), WIRE)
    known = booked_as(ProviderAuthentication("no"), candidate)
    assert known.metadata == {"provider": "openai"}
    assert isinstance(booked_as(KeyError("x"), candidate), InternalFault)
    unavailable = JournalUnavailable("full")
    assert booked_as(unavailable, candidate) is unavailable


def test_every_reason_can_be_booked() -> None:
    for reason in by_reason():
        assert ErrorReason.Value(f"ERROR_REASON_{reason}")


async def test_both_the_price_version_and_the_override_are_named_on_start_and_finish() -> None:
    journal = KeptJournal()
    tried = attempt(journal, price(), overrides=(override("discount"),))
    tried.facts.tokens = Tokens(1_000_000, 0)
    receipt = await tried.succeed()
    assert Decimal(receipt.amount) == 8
    assert (receipt.cost.price_version_id, receipt.cost.price_override_id) == ("price-1", "discount")
    assert (journal.started.price_version_id, journal.started.price_override_id) == ("price-1", "discount")
    cost = journal.finished.cost
    assert (cost.price_version_id, cost.price_override_id) == ("price-1", "discount")
    assert Decimal(cost.amount.value) == 8
