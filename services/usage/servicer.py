"""The usage service over gRPC: maps messages, asks the rules, reads through the store."""

from uuid import UUID

from pantheon.usage.v1 import usage_service_pb2_grpc
from pantheon.usage.v1.report_pb2 import DIMENSION_MODEL
from pantheon.usage.v1.usage_service_pb2 import (
    GetLatencyReportRequest,
    GetLatencyReportResponse,
    GetUsageSummaryRequest,
    GetUsageSummaryResponse,
    GetWatermarkRequest,
    GetWatermarkResponse,
    ListCompletionsRequest,
    ListCompletionsResponse,
    QueryUsageRequest,
    QueryUsageResponse,
    VerifyLedgerRequest,
    VerifyLedgerResponse,
)
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.db import Database, driver
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.rpc import RpcContext
from services.runtime.times import to_timestamp
from services.usage import messages
from services.usage.dimensions import Grouping, grouping, texts_of
from services.usage.questions import (
    optional_uuid,
    page_id,
    percentiles,
    period_of,
    question,
    required_uuid,
    verified_period,
)
from services.usage.store import completions, reports, spools, verification

_GROUPS_DEFAULT, _GROUPS_MOST = 1_000, 10_000
_ROWS_DEFAULT, _ROWS_MOST = 100, 1_000


class UsageServicer(usage_service_pb2_grpc.UsageServiceServicer):
    """Serves the ledger's reports."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def GetUsageSummary(self, request: GetUsageSummaryRequest, context: RpcContext) -> GetUsageSummaryResponse:
        asked = question(request.filter, current_principal(), times.now())
        period, by_model = asked.period.rounded(), Grouping((DIMENSION_MODEL,))
        async with self._db.read() as connection:
            rows = await reports.usage(connection, asked.where, period, by_model)
        return GetUsageSummaryResponse(
            totals=messages.totals(reports.total(rows)),
            by_model=(messages.usage_group(row, by_model) for row in sorted(rows, key=reports.dearest)),
            start_time=to_timestamp(period.start),
            end_time=to_timestamp(period.end),
        )

    async def QueryUsage(self, request: QueryUsageRequest, context: RpcContext) -> QueryUsageResponse:
        asked = question(request.filter, current_principal(), times.now())
        by = grouping(request.group_by, tag=request.tag, time_zone=request.time_zone)
        size = page_size(request.page_size, _GROUPS_DEFAULT, _GROUPS_MOST)
        query = ("QueryUsage", asked.where, _times(request), by)
        token = decode_token(request.page_token, query, 2 + len(by.dimensions))
        # An open end is that of the first page, or groups would move from page to page.
        period = period_of(*token[:2]) if token else asked.period.rounded()
        after = by.values(token[2:]) if token else None
        async with self._db.read() as connection:
            rows = await reports.usage(connection, asked.where, period, by, after=after, most=size + 1)
        response = QueryUsageResponse(
            groups=(messages.usage_group(row, by) for row in rows[:size]),
            start_time=to_timestamp(period.start),
            end_time=to_timestamp(period.end),
        )
        if len(rows) > size:
            last = texts_of(rows[size - 1].values)
            response.next_page_token = encode_token(query, *texts_of([period.start, period.end]), *last)
        return response

    async def GetLatencyReport(self, request: GetLatencyReportRequest, context: RpcContext) -> GetLatencyReportResponse:
        asked = question(request.filter, current_principal(), times.now())
        by = grouping(request.group_by, time_zone=request.time_zone)
        wanted = percentiles(request.percentiles)
        period = asked.period.rounded()
        async with self._db.read() as connection:
            rows = await reports.latencies(connection, asked.where, period, by, _GROUPS_MOST)
        return GetLatencyReportResponse(
            groups=messages.latency_groups(rows, by, wanted)[:_GROUPS_MOST],
            start_time=to_timestamp(period.start),
            end_time=to_timestamp(period.end),
        )

    async def ListCompletions(self, request: ListCompletionsRequest, context: RpcContext) -> ListCompletionsResponse:
        asked = question(request.filter, current_principal(), times.now())
        request_id = optional_uuid(request.request_id, "request_id")
        size = page_size(request.page_size, _ROWS_DEFAULT, _ROWS_MOST)
        query = ("ListCompletions", asked.where, _times(request), request_id)
        token = decode_token(request.page_token, query, 3)
        period = period_of(*token[:2]) if token else asked.period
        before = page_id(token[2]) if token else None
        async with self._db.read() as connection:
            rows = await completions.newest(
                connection, asked.where, period, request_id=request_id, before=before, most=size + 1
            )
        response = ListCompletionsResponse(rows=map(messages.ledger_row, rows[:size]))
        if len(rows) > size:
            last = str(rows[size - 1].id)
            response.next_page_token = encode_token(query, *texts_of([period.start, period.end]), last)
        return response

    async def VerifyLedger(self, request: VerifyLedgerRequest, context: RpcContext) -> VerifyLedgerResponse:
        now = times.now()
        async with self._db.snapshot() as connection:
            raw = await driver(connection)
            period = verified_period(request, await verification.earliest(raw) or now, now)
            found = await verification.discrepancies(raw, period)
            dead_letters, open_attempts = await verification.count_set_aside(raw)
            return VerifyLedgerResponse(
                rows=await verification.count_rows(raw, period),
                groups=await verification.count_groups(raw, period),
                discrepancies=map(messages.discrepancy, found),
                dead_letters=dead_letters,
                open_attempts=open_attempts,
                watermarks=(messages.watermark(*spool) for spool in (await verification.watermarks(raw)).items()),
            )

    async def GetWatermark(self, request: GetWatermarkRequest, context: RpcContext) -> GetWatermarkResponse:
        spool: UUID = required_uuid(request.spool_id, "spool_id")
        async with self._db.read() as connection:
            committed_through = await spools.watermark(await driver(connection), spool)
        return GetWatermarkResponse(watermark=messages.watermark(spool, committed_through))


def _times(request: QueryUsageRequest | ListCompletionsRequest) -> tuple[str, str]:
    """The times as they were asked for, part of what makes two pages pages of the same question."""
    return str(request.filter.start_time), str(request.filter.end_time)
