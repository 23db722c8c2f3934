from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_ESTIMATED,
    LEDGER_STATE_SETTLED,
    OUTCOME_SUCCEEDED,
    ROW_KIND_ADJUSTMENT,
)
from services.runtime.ids import uuid7, uuid7_time
from services.usage.adjustment import correction, correction_ids, derived_id, folded
from services.usage.entry import Entry, Figures
from services.usage.events import Bounds, entry_of, lost
from tests.fixtures.completion_events import Traffic

BOUNDS = Bounds.now(timedelta(days=100))

COUNT = st.integers(0, 1)
KNOWN_OR_NOT = st.none() | st.integers(0, 10**12)
MONEY = st.none() | st.decimals(0, 10**6, places=18)
FIGURES = st.builds(
    Figures,
    *[COUNT] * 5,
    *[KNOWN_OR_NOT] * 5,
    *[MONEY] * 2,
    *[KNOWN_OR_NOT] * 4,
    total_sample_us=st.none(),
    ttft_sample_us=st.none(),
)


def entries() -> tuple[Entry, Entry]:
    """What the sweeper thinks of an attempt, and the truth."""
    traffic = Traffic(seed=1)
    started = traffic.started(model="openai/gpt-4o")
    truth = traffic.finished(started)
    truth.state, truth.outcome = LEDGER_STATE_SETTLED, OUTCOME_SUCCEEDED
    return entry_of(lost(started, final=True), BOUNDS), entry_of(truth, BOUNDS)


def test_a_derived_id_is_a_uuidv7_of_the_same_millisecond_and_always_the_same() -> None:
    row = uuid7()
    derived = derived_id(row, "correction")
    assert (derived.version, uuid7_time(derived)) == (7, uuid7_time(row))
    assert derived == derived_id(row, "correction")
    assert len({row, derived, derived_id(row, "price.1"), derived_id(uuid7(), "correction")}) == 4


def test_a_correction_is_a_row_of_differences_about_the_same_attempt() -> None:
    estimate, truth = entries()
    made = correction(estimate, truth)
    assert made is not None
    assert (made.kind, made.adjusts_id, made.attempt) == (ROW_KIND_ADJUSTMENT, estimate.id, estimate.attempt)
    assert made.id in correction_ids(estimate.id)
    assert made.ending == truth.ending
    assert (made.figures.requests, made.figures.estimated, made.figures.unpriced) == (0, -1, -1)
    assert made.figures.cost == truth.figures.cost
    # The estimate had no latency: the truth's is measured now.
    assert made.figures.total_sample_us == truth.figures.total_us


def test_what_is_settled_or_the_same_needs_no_correction() -> None:
    estimate, truth = entries()
    assert correction(truth, estimate) is None
    assert correction(truth, truth) is None
    assert correction(estimate, estimate) is None


def test_a_latency_once_measured_is_not_measured_again() -> None:
    estimate, truth = entries()
    measured = msgspec.structs.replace(estimate.figures, total_sample_us=5, ttft_sample_us=1)
    made = correction(msgspec.structs.replace(estimate, figures=measured), truth)
    assert made is not None
    assert (made.figures.total_sample_us, made.figures.ttft_sample_us) == (None, None)


@given(FIGURES, FIGURES, FIGURES)
def test_a_row_and_its_corrections_add_up_to_the_truth(first: Figures, second: Figures, third: Figures) -> None:
    estimate, truth = entries()
    guess = msgspec.structs.replace(estimate, figures=first)
    better = msgspec.structs.replace(estimate, figures=second)
    known = msgspec.structs.replace(truth, figures=third)
    corrections = [made for made in [correction(guess, better)] if made is not None]
    last = correction(folded(guess, corrections), known)
    assert last is not None
    found = folded(guess, [*corrections, last])
    assert found.ending == known.ending
    # Once something was known the sum is known; what turned out unknown is then as if it were nothing.
    for name in Figures.__struct_fields__:
        assert (getattr(found.figures, name) or 0) == (getattr(known.figures, name) or 0)


def test_differences_of_money_are_exact() -> None:
    estimate, truth = entries()
    wide = msgspec.structs.replace(estimate.figures, cost=Decimal("123456789012.000000000000000000000000000001"))
    made = correction(msgspec.structs.replace(estimate, figures=wide), truth)
    assert made is not None
    assert made.figures.cost is not None
    assert truth.figures.cost is not None
    assert made.figures.cost.as_tuple().exponent == -30


@pytest.mark.parametrize("state", (LEDGER_STATE_ESTIMATED, LEDGER_STATE_SETTLED))
def test_corrections_by_estimates_and_by_the_truth_have_ids_of_their_own(state: int) -> None:
    estimate, truth = entries()
    later = estimate if state == LEDGER_STATE_ESTIMATED else truth
    figures = msgspec.structs.replace(later.figures, prompt_tokens=1)
    made = correction(estimate, msgspec.structs.replace(later, figures=figures))
    assert made is not None
    assert made.id == correction_ids(estimate.id)[state == LEDGER_STATE_SETTLED]
