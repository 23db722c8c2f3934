"""What the usage service tells, as plain values: reports, rows, the verdict of a verification."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from google.type.decimal_pb2 import Decimal as DecimalMessage

from pantheon.usage.v1.ledger_pb2 import LedgerRow, LedgerState, Outcome, RowKind, Surface
from pantheon.usage.v1.report_pb2 import Dimension, LatencyDistribution, LatencyGroup, ReportFilter, UsageTotals
from pantheon.usage.v1.usage_service_pb2 import (
    GetLatencyReportRequest,
    GetLatencyReportResponse,
    ListCompletionsRequest,
    QueryUsageRequest,
    VerifyLedgerRequest,
)
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceStub
from services.cli.calling import Caller
from services.runtime import money, times

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds that half, 95 % and 99 % of the completions took at most; None where there are none."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Usage of one group. `cost` is the sum of the known costs, None where none is known."""

    keys: tuple[str, ...]
    requests: int
    attempts: int
    failed_attempts: int
    estimated_attempts: int
    unpriced_requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    total: Percentiles
    time_to_first_token: Percentiles

    @property
    def tokens(self) -> int:
        """Of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class UsageReport:
    """A report by groups, and over all of them."""

    start: datetime
    end: datetime
    rows: Sequence[ReportRow]
    totals: ReportRow


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger; durations in seconds, cost in USD, None where a figure is not known."""

    id: str
    kind: str
    adjusts_id: str
    start_time: datetime
    request_id: str
    attempt_id: str
    attempt_number: int
    final: bool
    user_id: str
    project_id: str
    key_id: str
    model: str
    provider: str
    served_model: str
    surface: str
    stream: bool
    sandbox: bool
    outcome: str
    state: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: Decimal | None
    provider_reported_cost: Decimal | None
    price_version_id: str
    price_override_id: str
    time_to_first_token: float | None
    total: float
    finish_reason: str
    http_status: int
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A place where the ledger and what is derived from it differ."""

    check: str
    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found; no discrepancies: all is well."""

    rows: int
    groups: int
    dead_letters: int
    open_attempts: int
    watermarks: dict[str, int]
    discrepancies: Sequence[Discrepancy]


class Ledger:
    """The usage service, asked in the name of an API key's owner. All methods raise CommandFailed."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._usage = UsageServiceStub(caller.channel)

    async def report(
        self, which: ReportFilter, by: Sequence[Dimension.ValueType], *, tag: str = "", time_zone: str = ""
    ) -> UsageReport:
        """Usage, cost and latency by dimensions. There are no latencies by tag."""
        query = QueryUsageRequest(filter=which, group_by=by, tag=tag, time_zone=time_zone)
        untagged = [dimension for dimension in by if dimension != Dimension.DIMENSION_TAG]
        with_latency = untagged == list(by)
        groups, latencies, (everything, *_), whole = await asyncio.gather(
            self._query(query),
            self._latencies(which, by if with_latency else (), time_zone),
            self._query(QueryUsageRequest(filter=which)),
            self._latencies(which, (), time_zone),
        )
        by_keys = {tuple(group.keys): group for group in latencies.groups} if with_latency else {}
        rows = [_report_row(keys, totals, by_keys.get(keys)) for keys, totals in groups]
        overall = whole.groups[0] if whole.groups else None
        return UsageReport(
            start=times.from_timestamp(whole.start_time),
            end=times.from_timestamp(whole.end_time),
            rows=rows,
            totals=_report_row((), everything[1], overall),
        )

    async def rows(self, which: ReportFilter, *, request_id: str = "", most: int) -> AsyncIterator[Row]:
        """The newest rows, at most so many, newest first."""
        asked = ListCompletionsRequest(filter=which, request_id=request_id, page_size=min(most, _PAGE))
        left = most
        while left > 0:
            answer = await self._caller.call(self._usage.ListCompletions, asked)
            for message in answer.rows[:left]:
                yield _row(message)
            left -= len(answer.rows)
            if not answer.next_page_token:
                return
            asked.page_token = answer.next_page_token

    async def verify(self, request: VerifyLedgerRequest, timeout: float) -> Verdict:
        """Compares roll-ups with rows and looks for holes below the watermarks."""
        answer = await self._caller.call(self._usage.VerifyLedger, request, timeout)
        return Verdict(
            rows=answer.rows,
            groups=answer.groups,
            dead_letters=answer.dead_letters,
            open_attempts=answer.open_attempts,
            watermarks={mark.spool_id: mark.committed_through for mark in answer.watermarks},
            discrepancies=[
                Discrepancy(found.check, found.place, found.expected, found.found) for found in answer.discrepancies
            ],
        )

    async def _query(self, request: QueryUsageRequest) -> list[tuple[tuple[str, ...], UsageTotals]]:
        """All pages; without dimensions exactly one group."""
        pages = self._caller.pages(self._usage.QueryUsage, request)
        groups = [(tuple(group.keys), group.totals) async for page in pages for group in page.groups]
        return groups if request.group_by or groups else [((), UsageTotals())]

    async def _latencies(
        self, which: ReportFilter, by: Sequence[Dimension.ValueType], time_zone: str
    ) -> GetLatencyReportResponse:
        request = GetLatencyReportRequest(filter=which, group_by=by, percentiles=(50, 95, 99), time_zone=time_zone)
        return await self._caller.call(self._usage.GetLatencyReport, request)


def _report_row(keys: tuple[str, ...], totals: UsageTotals, latency: LatencyGroup | None) -> ReportRow:
    return ReportRow(
        keys=keys,
        requests=totals.requests,
        attempts=totals.attempts,
        failed_attempts=totals.failed_attempts,
        estimated_attempts=totals.estimated_attempts,
        unpriced_requests=totals.unpriced_requests,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        cost=_amount(totals.cost, present=totals.HasField("cost")),
        total=_percentiles(latency.total) if latency else Percentiles(),
        time_to_first_token=_percentiles(latency.time_to_first_token) if latency else Percentiles(),
    )


def _percentiles(distribution: LatencyDistribution) -> Percentiles:
    return Percentiles(*(times.seconds(entry.duration) for entry in distribution.percentiles))


def _amount(message: DecimalMessage, *, present: bool) -> Decimal | None:
    return money.from_proto(message) if present else None


def _row(message: LedgerRow) -> Row:
    tokens, cost, timing = message.tokens, message.cost, message.timing
    return Row(
        id=message.id,
        kind=_word(RowKind.Name(message.kind), "ROW_KIND_"),
        adjusts_id=message.adjusts_id,
        start_time=times.from_timestamp(message.start_time),
        request_id=message.request_id,
        attempt_id=message.attempt_id,
        attempt_number=message.attempt_number,
        final=message.final,
        user_id=message.attribution.user_id,
        project_id=message.attribution.project_id,
        key_id=message.attribution.key_id,
        model=message.target.model,
        provider=message.target.provider,
        served_model=message.served_model,
        surface=_word(Surface.Name(message.target.surface), "SURFACE_"),
        stream=message.target.stream,
        sandbox=message.target.sandbox,
        outcome=_word(Outcome.Name(message.outcome), "OUTCOME_"),
        state=_word(LedgerState.Name(message.state), "LEDGER_STATE_"),
        prompt_tokens=tokens.prompt_tokens if tokens.HasField("prompt_tokens") else None,
        completion_tokens=tokens.completion_tokens if tokens.HasField("completion_tokens") else None,
        cost=_amount(cost.amount, present=cost.HasField("amount")),
        provider_reported_cost=_amount(cost.provider_reported, present=cost.HasField("provider_reported")),
        price_version_id=cost.price_version_id,
        price_override_id=cost.price_override_id,
        time_to_first_token=(
            times.seconds(timing.time_to_first_token) if timing.HasField("time_to_first_token") else None
        ),
        total=times.seconds(timing.total),
        finish_reason=message.finish_reason,
        http_status=message.http_status,
        tags=dict(message.attribution.tags),
    )


def _word(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()
