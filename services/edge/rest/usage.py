"""`/api/user/usage`: what the caller used and what it cost."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.usage.v1.report_pb2 import ReportFilter, ReportScope, UsageTotals
from pantheon.usage.v1.usage_service_pb2 import GetUsageSummaryRequest, GetUsageSummaryResponse
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceStub
from services.edge.rest import decimals
from services.edge.rest.answers import answer
from services.edge.rest.calls import call, credentials
from services.edge.rest.periods import Period, asked_period
from services.runtime import times


class ModelUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One model's share. `cost` is USD, null where all of it is unknown; `unpriced_requests` are not in it."""

    tokens: int
    cost: msgspec.Raw
    requests: int
    unpriced_requests: int
    prompt_tokens: int
    completion_tokens: int


class UsageBody(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `period` is the name asked for, or "custom"; the times are what was covered, after rounding."""

    total_tokens: int
    total_cost: msgspec.Raw
    by_model: dict[str, ModelUsage]
    period: str
    requests: int
    unpriced_requests: int
    prompt_tokens: int
    completion_tokens: int
    start_time: datetime
    end_time: datetime


class UsageRoutes:
    """`GET /api/user/usage?period=...` or `?start_time=...&end_time=...`.

    `sandbox`: the stack's providers are simulated, and so is what it reports; else only what was real.
    """

    def __init__(self, usage: UsageServiceStub, *, sandbox: bool) -> None:
        self._usage = usage
        self._sandbox = sandbox

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [Route("/api/user/usage", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """The caller's own usage, in all and by model."""
        metadata = credentials(request)
        period = asked_period(request.query_params.multi_items(), times.now())
        message = GetUsageSummaryRequest(filter=report_filter(period, sandbox=self._sandbox))
        response = await call(self._usage.GetUsageSummary, message, metadata, service="usage", prefix="filter.")
        return answer(usage_body(response, period.name))


def report_filter(period: Period, *, sandbox: bool) -> ReportFilter:
    """The caller's own usage in the period, simulated or real."""
    return ReportFilter(
        scope=ReportScope.REPORT_SCOPE_OWN,
        sandbox=sandbox,
        start_time=times.to_timestamp(period.start) if period.start else None,
        end_time=times.to_timestamp(period.end) if period.end else None,
    )


def usage_body(summary: GetUsageSummaryResponse, period: str) -> UsageBody:
    """The summary as it is shown."""
    totals = summary.totals
    return UsageBody(
        total_tokens=totals.prompt_tokens + totals.completion_tokens,
        total_cost=_cost(totals),
        by_model={group.keys[0]: _model_usage(group.totals) for group in summary.by_model},
        period=period,
        requests=totals.requests,
        unpriced_requests=totals.unpriced_requests,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
        start_time=times.from_timestamp(summary.start_time),
        end_time=times.from_timestamp(summary.end_time),
    )


def _model_usage(totals: UsageTotals) -> ModelUsage:
    return ModelUsage(
        tokens=totals.prompt_tokens + totals.completion_tokens,
        cost=_cost(totals),
        requests=totals.requests,
        unpriced_requests=totals.unpriced_requests,
        prompt_tokens=totals.prompt_tokens,
        completion_tokens=totals.completion_tokens,
    )


def _cost(totals: UsageTotals) -> msgspec.Raw:
    """A JSON number of exactly the amount's digits; null where there were costs and none is known: that is not zero."""
    if not totals.HasField("cost"):
        return decimals.NULL if totals.unpriced_requests else msgspec.Raw(b"0")
    return decimals.raw_of(totals.cost)
