"""Who sees what over gRPC, and how bad questions are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.auth.v1.access_pb2 import (
    ROLE_MEMBER,
    ROLE_ORGANISATION_ADMIN,
    ROLE_PLATFORM_ADMIN,
    ROLE_PROJECT_ADMIN,
)
from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.usage.v1.report_pb2 import (
    DIMENSION_MODEL,
    DIMENSION_TAG,
    REPORT_SCOPE_ORGANISATION,
    REPORT_SCOPE_OWN,
    REPORT_SCOPE_PLATFORM,
    REPORT_SCOPE_PROJECT,
    ReportFilter,
)
from pantheon.usage.v1.usage_service_pb2 import (
    GetLatencyReportRequest,
    GetUsageSummaryRequest,
    GetWatermarkRequest,
    ListCompletionsRequest,
    QueryUsageRequest,
    VerifyLedgerRequest,
)
from services.runtime import times
from services.runtime.ids import uuid7
from services.runtime.times import to_timestamp
from tests.fixtures.completion_events import Caller, Traffic, message
from tests.fixtures.refusals import refusal
from tests.integration.usage.running import Replica, Service

ORGANISATION, OTHER_ORGANISATION = str(uuid7()), str(uuid7())
PROJECT, OTHER_PROJECT, FOREIGN_PROJECT = str(uuid7()), str(uuid7()), str(uuid7())
ADA, BEN, CLEO, DAN = (
    Caller(ORGANISATION, PROJECT, str(uuid7()), str(uuid7())),
    Caller(ORGANISATION, PROJECT, str(uuid7()), str(uuid7())),
    Caller(ORGANISATION, OTHER_PROJECT, str(uuid7()), ""),
    Caller(OTHER_ORGANISATION, FOREIGN_PROJECT, str(uuid7()), str(uuid7())),
)


@pytest.fixture
async def seen(replica: Replica, service: Service, traffic: Traffic) -> Service:
    """One completion each of four people in three projects of two organisations."""
    finishes = [traffic.finished(traffic.started(caller=caller)) for caller in (ADA, BEN, CLEO, DAN)]
    await replica.take(message(uuid7(), 1, [CompletionEvent(finished=finish) for finish in finishes]))
    return service


@pytest.mark.parametrize(
    ("role", "scope", "users"),
    (
        (ROLE_MEMBER, REPORT_SCOPE_OWN, {ADA}),
        (ROLE_PROJECT_ADMIN, REPORT_SCOPE_PROJECT, {ADA, BEN}),
        (ROLE_ORGANISATION_ADMIN, REPORT_SCOPE_ORGANISATION, {ADA, BEN, CLEO}),
        (ROLE_PLATFORM_ADMIN, REPORT_SCOPE_PLATFORM, {ADA, BEN, CLEO, DAN}),
        (ROLE_PLATFORM_ADMIN, REPORT_SCOPE_OWN, {ADA}),
    ),
)
async def test_every_report_keeps_to_its_scope(seen: Service, role: Any, scope: Any, users: set[Caller]) -> None:
    ada = seen.callers.login(ADA.user_id, ADA.organisation_id, ADA.project_id, role)
    asked = ReportFilter(scope=scope)
    rows = await seen.stub.ListCompletions(ListCompletionsRequest(filter=asked), metadata=ada)
    assert {row.attribution.user_id for row in rows.rows} == {user.user_id for user in users}
    summary = await seen.stub.GetUsageSummary(GetUsageSummaryRequest(filter=asked), metadata=ada)
    assert summary.totals.attempts == len(users)
    usage = await seen.stub.QueryUsage(QueryUsageRequest(filter=asked), metadata=ada)
    assert usage.groups[0].totals.attempts == len(users)
    tagged = QueryUsageRequest(filter=asked, group_by=[DIMENSION_TAG], tag="env")
    groups = (await seen.stub.QueryUsage(tagged, metadata=ada)).groups
    assert sum(group.totals.attempts for group in groups) == sum("env" in row.attribution.tags for row in rows.rows)
    latency = await seen.stub.GetLatencyReport(GetLatencyReportRequest(filter=asked), metadata=ada)
    assert sum(group.total.count for group in latency.groups) <= len(users)


@pytest.mark.parametrize(
    ("role", "asked", "required"),
    (
        (ROLE_MEMBER, ReportFilter(scope=REPORT_SCOPE_PROJECT), "ROLE_PROJECT_ADMIN"),
        (ROLE_PROJECT_ADMIN, ReportFilter(scope=REPORT_SCOPE_ORGANISATION), "ROLE_ORGANISATION_ADMIN"),
        (ROLE_ORGANISATION_ADMIN, ReportFilter(scope=REPORT_SCOPE_PLATFORM), "ROLE_PLATFORM_ADMIN"),
        (ROLE_MEMBER, ReportFilter(user_ids=[BEN.user_id]), None),
        (ROLE_PROJECT_ADMIN, ReportFilter(scope=REPORT_SCOPE_PROJECT, project_ids=[OTHER_PROJECT]), None),
    ),
)
async def test_what_is_not_one_s_to_see_is_denied(
    seen: Service, role: Any, asked: ReportFilter, required: str | None
) -> None:
    ada = seen.callers.login(ADA.user_id, ADA.organisation_id, ADA.project_id, role)
    for call in (
        seen.stub.GetUsageSummary(GetUsageSummaryRequest(filter=asked), metadata=ada),
        seen.stub.QueryUsage(QueryUsageRequest(filter=asked), metadata=ada),
        seen.stub.GetLatencyReport(GetLatencyReportRequest(filter=asked), metadata=ada),
        seen.stub.ListCompletions(ListCompletionsRequest(filter=asked), metadata=ada),
    ):
        error = await refusal(call)
        assert error.reason == "ACCESS_DENIED"
        assert error.metadata.get("required") == required


async def test_another_organisation_s_project_is_empty_not_visible(seen: Service) -> None:
    ada = seen.callers.login(ADA.user_id, ADA.organisation_id, ADA.project_id, ROLE_ORGANISATION_ADMIN)
    asked = ReportFilter(scope=REPORT_SCOPE_ORGANISATION, project_ids=[FOREIGN_PROJECT])
    answer = await seen.stub.GetUsageSummary(GetUsageSummaryRequest(filter=asked), metadata=ada)
    assert answer.totals.attempts == 0


async def test_only_platform_administrators_verify_and_only_services_ask_for_watermarks(seen: Service) -> None:
    ada = seen.callers.login(ADA.user_id, ADA.organisation_id, ADA.project_id, ROLE_ORGANISATION_ADMIN)
    error = await refusal(seen.stub.VerifyLedger(VerifyLedgerRequest(), metadata=ada))
    assert error.metadata["required"] == "ROLE_PLATFORM_ADMIN"
    request = GetWatermarkRequest(spool_id=str(uuid7()))
    error = await refusal(seen.stub.GetWatermark(request, metadata=seen.callers.operator()))
    assert error.metadata["required"] == "service identity of router"


async def test_a_router_learns_how_far_its_spool_has_come(replica: Replica, service: Service, traffic: Traffic) -> None:
    spool = uuid7()
    await replica.take(message(spool, 1, list(traffic.attempt())))
    answer = await service.internal.GetWatermark(GetWatermarkRequest(spool_id=str(spool)))
    assert (answer.watermark.spool_id, answer.watermark.committed_through) == (str(spool), 2)
    answer = await service.internal.GetWatermark(GetWatermarkRequest(spool_id=str(uuid7())))
    assert answer.watermark.committed_through == 0
    error = await refusal(service.internal.GetWatermark(GetWatermarkRequest(spool_id="mine")))
    assert error.metadata["field"] == "spool_id"


NOON = to_timestamp(datetime(2026, 3, 1, 12, tzinfo=UTC))
LATER = to_timestamp(times.now() + timedelta(hours=1))
EPOCH, BEYOND = Timestamp(seconds=0), Timestamp(seconds=10**13)


def by(*dimensions: Any) -> QueryUsageRequest:
    return QueryUsageRequest(group_by=dimensions)


def asking(**fields: Any) -> QueryUsageRequest:
    return QueryUsageRequest(filter=ReportFilter(**fields))


@pytest.mark.parametrize(
    ("request_", "field"),
    (
        (by(DIMENSION_MODEL, DIMENSION_MODEL), "group_by"),
        (by(0), "group_by"),
        (by(99), "group_by"),
        (by(1, 2, 3, 4, 5), "group_by"),
        (by(DIMENSION_TAG), "tag"),
        (QueryUsageRequest(tag="team"), "tag"),
        (QueryUsageRequest(time_zone="Mars/Olympus"), "time_zone"),
        (QueryUsageRequest(time_zone="../etc/passwd"), "time_zone"),
        (QueryUsageRequest(page_size=-1), "page_size"),
        (QueryUsageRequest(page_token="bm9uc2Vuc2U"), "page_token"),
        (asking(start_time=LATER), "filter.start_time"),
        (asking(start_time=NOON, end_time=NOON), "filter.start_time"),
        (asking(end_time=BEYOND), "filter.end_time"),
        (asking(user_ids=["ada"]), "filter.user_ids"),
        (asking(models=["\0"]), "filter.models"),
        (QueryUsageRequest(group_by=[DIMENSION_TAG], tag="\0"), "tag"),
        (asking(scope=9), "filter.scope"),
        (GetLatencyReportRequest(group_by=[DIMENSION_TAG]), "group_by"),
        (GetLatencyReportRequest(percentiles=[101]), "percentiles"),
        (GetLatencyReportRequest(percentiles=[float("nan")]), "percentiles"),
        (GetLatencyReportRequest(percentiles=range(11)), "percentiles"),
        (ListCompletionsRequest(request_id="first"), "request_id"),
        (VerifyLedgerRequest(start_time=Timestamp(seconds=NOON.seconds + 1)), "start_time"),
        (VerifyLedgerRequest(end_time=EPOCH), "start_time"),
    ),
)  # fmt: skip
async def test_a_bad_question_is_refused_by_the_name_of_its_field(service: Service, request_: Any, field: str) -> None:
    method = getattr(service.stub, type(request_).__name__.removesuffix("Request"))
    error = await refusal(method(request_, metadata=service.callers.operator()))
    assert error.reason == ("INVALID_PAGE_TOKEN" if field == "page_token" else "INVALID_FIELD")
    assert error.metadata["field"] == field
