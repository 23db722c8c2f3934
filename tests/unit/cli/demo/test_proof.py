"""What counts as proof, and that the demo notices when there is none."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.cli.demo.errands import Door, Errand, Result
from services.cli.demo.people import Person
from services.cli.demo.proof import contradictions, count_census
from services.cli.ledger import Discrepancy, Percentiles, ReportRow, UsageReport, Verdict

ERRAND = Errand(Person("ada", "search", "pan-key"), Door.HTTP_UNARY, "openai/gpt-4", "Why?")
RESULTS = [
    Result(ERRAND, "r-1", "Because.", 10, Decimal("0.25"), 0.1, 0.2),
    Result(ERRAND, "r-2", "Because.", 20, None, 0.1, 0.2),
]
TOTALS = ReportRow(
    keys=(),
    requests=2,
    attempts=2,
    failed_attempts=0,
    estimated_attempts=0,
    unpriced_requests=1,
    prompt_tokens=12,
    completion_tokens=18,
    cost=Decimal("0.25"),
    total=Percentiles(),
    time_to_first_token=Percentiles(),
)
SOUND = Verdict(rows=2, groups=1, dead_letters=0, open_attempts=0, watermarks={}, discrepancies=[])


def report(totals: ReportRow) -> UsageReport:
    return UsageReport(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), [], totals)


def test_each_there_once_is_proof() -> None:
    census = count_census({"r-1", "r-2"}, Counter({"r-1": 1, "r-2": 1}))
    assert census.whole
    assert str(census) == "ledger: 2 completions sent, 2 recorded, 0 missing, 0 duplicate"


@pytest.mark.parametrize(
    ("recorded", "told"),
    (
        ({"r-1": 1}, "2 completions sent, 1 recorded, 1 missing, 0 duplicate"),
        ({"r-1": 1, "r-2": 2}, "2 completions sent, 2 recorded, 0 missing, 1 duplicate"),
        ({"r-1": 1, "r-2": 1, "r-3": 1}, "2 completions sent, 2 recorded, 0 missing, 0 duplicate"),
    ),
)
def test_anything_else_is_not(recorded: dict[str, int], told: str) -> None:
    census = count_census({"r-1", "r-2"}, Counter(recorded))
    assert not census.whole
    assert told in str(census)


def test_a_report_that_says_what_clients_were_told_contradicts_nothing() -> None:
    assert contradictions(RESULTS, report(TOTALS), SOUND) == []


@pytest.mark.parametrize(
    ("totals", "told"),
    (
        (replace(TOTALS, requests=3), "requests: 2 expected, 3 reported"),
        (replace(TOTALS, completion_tokens=19), "tokens: 30 expected, 31 reported"),
        (replace(TOTALS, cost=Decimal("0.2500001")), "cost: 0.25 expected, 0.2500001 reported"),
        (replace(TOTALS, cost=None), "cost: 0.25 expected, 0 reported"),
        (replace(TOTALS, unpriced_requests=0), "unpriced requests: 1 expected, 0 reported"),
    ),
)
def test_a_wrong_figure_is_named(totals: ReportRow, told: str) -> None:
    assert contradictions(RESULTS, report(totals), SOUND) == [told]


def test_what_a_verification_finds_is_a_contradiction() -> None:
    found = replace(SOUND, dead_letters=1, discrepancies=[Discrepancy("rollup", "openai/gpt-4", "3", "4")])
    assert contradictions(RESULTS, report(TOTALS), found) == [
        "dead letters: 0 expected, 1 reported",
        "rollup at openai/gpt-4: 3, not 4",
    ]
