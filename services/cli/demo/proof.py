"""Waits for the ledger and holds it against what the clients saw."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pantheon.usage.v1.report_pb2 import ReportFilter, ReportScope
from services.cli.demo.errands import Result
from services.cli.ledger import Ledger, UsageReport, Verdict

EVERYTHING = ReportFilter(scope=ReportScope.REPORT_SCOPE_PLATFORM)

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Census:
    """Completions by request id: those that were sent, and those that are in the ledger."""

    sent: int
    recorded: int
    missing: int
    duplicate: int
    strangers: int
    """In the ledger, though nobody of the demo sent them."""

    @property
    def whole(self) -> bool:
        """Each is there, and there once."""
        return self.recorded == self.sent and not (self.missing or self.duplicate or self.strangers)

    def __str__(self) -> str:
        return (
            f"ledger: {self.sent} completions sent, {self.recorded} recorded, {self.missing} missing, "
            f"{self.duplicate} duplicate"
        )


async def take_census(ledger: Ledger, results: Sequence[Result], timeout: float) -> Census:
    """Counts once the ledger has everything, or when the time is over. Raises CommandFailed."""
    sent = {result.request_id for result in results}
    census = count_census(sent, Counter())
    deadline = asyncio.get_running_loop().time() + timeout
    while not census.whole and asyncio.get_running_loop().time() < deadline:
        rows = ledger.rows(EVERYTHING, most=2 * len(results) + 100)
        census = count_census(
            sent, Counter([row.request_id async for row in rows if row.final and row.kind == "completion"])
        )
        if census.missing:
            await asyncio.sleep(_POLL_S)
        else:
            break
    return census


def contradictions(results: Sequence[Result], report: UsageReport, verdict: Verdict) -> list[str]:
    """Where report or verification differ from what the clients were told; empty: nowhere."""
    told = sum((result.cost for result in results if result.cost is not None), Decimal(0))
    unpriced = sum(result.cost is None for result in results)
    tokens = sum(result.tokens for result in results)
    totals = report.totals
    pairs = (
        ("requests", len(results), totals.requests),
        ("tokens", tokens, totals.tokens),
        ("cost", told, totals.cost or Decimal(0)),
        ("unpriced requests", unpriced, totals.unpriced_requests),
        ("dead letters", 0, verdict.dead_letters),
        ("attempts left open", 0, verdict.open_attempts),
    )
    found = [f"{what}: {ours} expected, {theirs} reported" for what, ours, theirs in pairs if ours != theirs]
    return found + [
        f"{item.check} at {item.place}: {item.expected}, not {item.found}" for item in verdict.discrepancies
    ]


def count_census(sent: set[str], recorded: Counter[str]) -> Census:
    """Holds the request ids sent against how often each is in the ledger."""
    return Census(
        sent=len(sent),
        recorded=len(sent & recorded.keys()),
        missing=len(sent - recorded.keys()),
        duplicate=sum(times - 1 for times in recorded.values()),
        strangers=len(recorded.keys() - sent),
    )
