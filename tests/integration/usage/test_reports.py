"""Reports over gRPC equal what brute force makes of the same events."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import grpc
import pytest

from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished, CompletionStarted
from pantheon.usage.v1.report_pb2 import (
    DIMENSION_DAY,
    DIMENSION_HOUR,
    DIMENSION_KEY,
    DIMENSION_MODEL,
    DIMENSION_PROJECT,
    DIMENSION_QUARTER_HOUR,
    DIMENSION_SANDBOX,
    DIMENSION_TAG,
    DIMENSION_UNSPECIFIED,
    DIMENSION_USER,
    REPORT_SCOPE_PLATFORM,
    Dimension,
    ReportFilter,
)
from pantheon.usage.v1.usage_service_pb2 import (
    GetLatencyReportRequest,
    GetUsageSummaryRequest,
    ListCompletionsRequest,
    QueryUsageRequest,
)
from services.runtime import times
from services.runtime.ids import uuid7
from services.runtime.status import error_from_rpc
from services.runtime.times import from_timestamp, to_timestamp
from tests.fixtures.completion_events import Traffic, message, messages
from tests.integration.usage import brute_force
from tests.integration.usage.running import Replica, Service

DAYS = 3


@dataclass
class Booked:
    """A service whose ledger holds these events, and the metadata of somebody who may see all."""

    service: Service
    events: list[CompletionFinished]
    operator: Any
    end: datetime

    def between(self, start: datetime, end: datetime) -> list[CompletionFinished]:
        return [event for event in self.events if start <= brute_force.quarter_of(event) < end]

    async def query(self, **request: Any) -> Any:
        return await self.service.stub.QueryUsage(QueryUsageRequest(**request), metadata=self.operator)

    def everything(self, **fields: Any) -> ReportFilter:
        return ReportFilter(scope=REPORT_SCOPE_PLATFORM, end_time=to_timestamp(self.end), **fields)


def last_end_of_summer_time(zone: ZoneInfo) -> datetime:
    """When the clocks were last set back there."""
    hour = times.now().replace(minute=0, second=0, microsecond=0)
    while True:
        before, after = ((hour - back).astimezone(zone).utcoffset() for back in (timedelta(hours=1), timedelta()))
        assert before is not None
        assert after is not None
        if before > after:
            return hour
        hour -= timedelta(hours=1)


@pytest.fixture
async def booked(replica: Replica, service: Service) -> Booked:
    traffic, dice = Traffic(seed=4, users=6), random.Random(4)
    end = brute_force.quarter_of(traffic.finished())  # in the past, so that nothing depends on the time of day
    events = [
        traffic.finished(traffic.started(end - timedelta(seconds=dice.uniform(1, DAYS * 86_400)))) for _ in range(400)
    ]
    wrapped = [CompletionEvent(finished=event) for event in events]
    await replica.take(*messages(uuid7(), wrapped, [100]))
    return Booked(service, events, service.callers.operator(), end)


ZONES = ("", "Asia/Kathmandu", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham", "America/New_York")


@pytest.mark.parametrize("zone", ZONES)
async def test_usage_by_any_dimensions_is_the_sum_of_its_events(booked: Booked, zone: str) -> None:
    dice = random.Random(zone)
    dimensions = [value for value in Dimension.values() if value not in {DIMENSION_UNSPECIFIED, DIMENSION_TAG}]
    combinations = [dice.sample(dimensions, dice.randint(0, 4)) for _ in range(8)]
    for group_by in ([DIMENSION_DAY], [DIMENSION_HOUR, DIMENSION_MODEL], *combinations):
        answer = await booked.query(
            filter=booked.everything(), group_by=group_by, time_zone=zone, page_size=10_000
        )  # fmt: skip
        groups = brute_force.grouped(booked.events, group_by, ZoneInfo(zone or "UTC"))
        found = {tuple(group.keys): brute_force.sums_in(group.totals) for group in answer.groups}
        assert found == {keys: brute_force.sums_of(events) for keys, events in groups.items()}


async def test_a_zone_that_only_this_machine_knows_is_refused(booked: Booked) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await booked.query(filter=booked.everything(), group_by=[DIMENSION_DAY], time_zone="localtime")
    error = error_from_rpc(refused.value)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "time_zone")


async def test_usage_by_tag_counts_who_has_the_tag(booked: Booked) -> None:
    for group_by in ([DIMENSION_TAG], [DIMENSION_DAY, DIMENSION_TAG, DIMENSION_USER]):
        answer = await booked.query(filter=booked.everything(), group_by=group_by, tag="team")
        groups = brute_force.grouped(booked.events, group_by, ZoneInfo("UTC"), "team")
        found = {tuple(group.keys): brute_force.sums_in(group.totals) for group in answer.groups}
        assert found == {keys: brute_force.sums_of(events) for keys, events in groups.items()}
        assert found


async def test_a_filter_leaves_only_what_it_names(booked: Booked) -> None:
    chosen = booked.events[0].started
    start = booked.end - timedelta(days=2)
    kept_by: dict[str, Callable[[CompletionStarted], bool]] = {
        "models": lambda one: one.target.model == chosen.target.model,
        "providers": lambda one: one.target.provider == chosen.target.provider,
        "project_ids": lambda one: one.attribution.project_id == chosen.attribution.project_id,
        "user_ids": lambda one: one.attribution.user_id == chosen.attribution.user_id,
    }
    for name, keep in kept_by.items():
        value = getattr(chosen.target if name in {"models", "providers"} else chosen.attribution, name.rstrip("s"))
        asked = booked.everything(start_time=to_timestamp(start), **{name: [value]})
        answer = await booked.query(filter=asked)
        kept = [event for event in booked.between(start, booked.end) if keep(event.started)]
        assert [brute_force.sums_in(group.totals) for group in answer.groups] == [brute_force.sums_of(kept)]


@pytest.mark.parametrize("sandbox", (True, False))
async def test_simulated_and_real_completions_are_reported_apart_by_every_report(
    replica: Replica, service: Service, traffic: Traffic, sandbox: bool
) -> None:
    simulated, real = ([traffic.finished() for _ in range(size)] for size in (7, 4))
    for event in real:
        event.started.target.sandbox = False
    await replica.take(message(uuid7(), 1, [CompletionEvent(finished=event) for event in (*simulated, *real)]))
    expected = brute_force.sums_of(simulated if sandbox else real)
    operator = service.callers.operator()
    one_kind = ReportFilter(scope=REPORT_SCOPE_PLATFORM, sandbox=sandbox)
    summary = await service.stub.GetUsageSummary(GetUsageSummaryRequest(filter=one_kind), metadata=operator)
    assert brute_force.sums_in(summary.totals) == expected
    usage = await service.stub.QueryUsage(QueryUsageRequest(filter=one_kind), metadata=operator)
    assert [brute_force.sums_in(group.totals) for group in usage.groups] == [expected]
    listed = await service.stub.ListCompletions(ListCompletionsRequest(filter=one_kind), metadata=operator)
    assert {row.id for row in listed.rows} == {event.event_id for event in (simulated if sandbox else real)}
    latency = GetLatencyReportRequest(filter=one_kind, group_by=[DIMENSION_SANDBOX])
    latencies = await service.stub.GetLatencyReport(latency, metadata=operator)
    assert [list(group.keys) for group in latencies.groups] == [[str(sandbox).lower()]]


async def test_an_hour_that_is_lived_twice_is_two_hours(replica: Replica, service: Service, traffic: Traffic) -> None:
    zone = ZoneInfo("America/New_York")
    change = last_end_of_summer_time(zone)
    hours = [change + timedelta(hours=shift, minutes=20) for shift in (-2, -1, 0, 1)]
    events = [traffic.finished(traffic.started(hour)) for hour in hours]
    await replica.take(*messages(uuid7(), [CompletionEvent(finished=event) for event in events], [4]))
    around = ReportFilter(
        scope=REPORT_SCOPE_PLATFORM,
        start_time=to_timestamp(change - timedelta(days=1)),
        end_time=to_timestamp(change + timedelta(days=1)),
    )
    request = QueryUsageRequest(filter=around, group_by=[DIMENSION_HOUR], time_zone=zone.key)
    answer = await service.stub.QueryUsage(request, metadata=service.callers.operator())
    shown = [group.keys[0][-14:] for group in answer.groups]
    assert shown == ["00:00:00-04:00", "01:00:00-04:00", "01:00:00-05:00", "02:00:00-05:00"]
    request.group_by[:] = [DIMENSION_DAY]
    answer = await service.stub.QueryUsage(request, metadata=service.callers.operator())
    assert [group.totals.attempts for group in answer.groups] == [4]


async def test_pages_join_to_the_whole(booked: Booked) -> None:
    group_by = [DIMENSION_KEY, DIMENSION_QUARTER_HOUR, DIMENSION_PROJECT]
    asked: dict[str, Any] = {"filter": booked.everything(), "group_by": group_by}
    whole = await booked.query(**asked)
    for size in (1_000, 97, 40):
        groups: list[Any] = []
        token = ""
        for _ in itertools.count():
            page = await booked.query(**asked, page_size=size, page_token=token)
            groups += page.groups
            token = page.next_page_token
            if not token:
                break
        assert groups == list(whole.groups)


async def test_pages_of_an_open_period_are_about_the_period_of_the_first(
    booked: Booked, replica: Replica, traffic: Traffic
) -> None:
    asked: dict[str, Any] = {"filter": ReportFilter(scope=REPORT_SCOPE_PLATFORM), "group_by": [DIMENSION_QUARTER_HOUR]}
    first = await booked.query(**asked, page_size=3)
    second = await booked.query(**asked, page_size=3, page_token=first.next_page_token)
    assert (second.start_time, second.end_time) == (first.start_time, first.end_time)
    assert first.groups[-1].keys[0] < second.groups[0].keys[0]


async def test_the_summary_adds_up_and_names_the_dearest_first(booked: Booked) -> None:
    request = GetUsageSummaryRequest(filter=booked.everything())
    answer = await booked.service.stub.GetUsageSummary(request, metadata=booked.operator)
    assert brute_force.sums_in(answer.totals) == brute_force.sums_of(booked.events)
    groups = brute_force.grouped(booked.events, [DIMENSION_MODEL], ZoneInfo("UTC"))
    found = [(group.keys[0], brute_force.sums_in(group.totals)) for group in answer.by_model]
    assert dict(found) == {model: brute_force.sums_of(events) for (model,), events in groups.items()}
    costs = [Decimal(group.totals.cost.value) for group in answer.by_model if group.totals.HasField("cost")]
    assert costs == sorted(costs, reverse=True)
    assert (from_timestamp(answer.start_time), from_timestamp(answer.end_time)) == (
        booked.end - timedelta(days=30),
        booked.end,
    )


async def test_a_summary_of_nothing_has_no_cost(service: Service) -> None:
    answer = await service.stub.GetUsageSummary(GetUsageSummaryRequest(), metadata=service.callers.operator())
    assert brute_force.sums_in(answer.totals) == brute_force.sums_of([])
    assert not answer.totals.HasField("cost")
    assert list(answer.by_model) == []


@pytest.mark.parametrize("group_by", ((), (DIMENSION_MODEL,), (DIMENSION_DAY, DIMENSION_PROJECT)))
async def test_percentiles_are_within_four_per_cent(booked: Booked, group_by: tuple[Any, ...]) -> None:
    zone, percentiles = "Asia/Kolkata", [0, 50, 95, 99.9, 100]
    request = GetLatencyReportRequest(
        filter=booked.everything(), group_by=group_by, percentiles=percentiles, time_zone=zone
    )
    answer = await booked.service.stub.GetLatencyReport(request, metadata=booked.operator)
    groups = brute_force.grouped(booked.events, group_by, ZoneInfo(zone))
    assert [tuple(group.keys) for group in answer.groups] == sorted(groups)
    for group in answer.groups:
        for found, first_token in ((group.total, False), (group.time_to_first_token, True)):
            expected = brute_force.durations(groups[tuple(group.keys)], first_token=first_token)
            assert found.count == len(expected)
            if expected:
                assert times.seconds(found.mean) == pytest.approx(sum(expected) / len(expected), abs=2e-6)
            for one in found.percentiles:
                exact = brute_force.nearest_rank(expected, one.percentile)
                assert times.seconds(one.duration) == pytest.approx(exact, rel=0.04)


async def test_completions_are_listed_newest_first_as_they_were_reported(booked: Booked) -> None:
    listed: list[Any] = []
    token = ""
    while True:
        request = ListCompletionsRequest(filter=booked.everything(), page_size=150, page_token=token)
        page = await booked.service.stub.ListCompletions(request, metadata=booked.operator)
        listed += page.rows
        token = page.next_page_token
        if not token:
            break
    newest_first = sorted(booked.events, key=lambda event: UUID(event.event_id), reverse=True)
    assert [row.id for row in listed] == [event.event_id for event in newest_first]
    for row, event in zip(listed, newest_first, strict=True):
        assert (row.attribution, row.target) == (event.started.attribution, event.started.target)
        assert (row.tokens, row.outcome, row.state, row.final) == (
            event.tokens,
            event.outcome,
            event.state,
            event.final,
        )
        assert (row.request_id, row.attempt_id) == (event.started.request_id, event.started.attempt_id)
        assert row.cost.HasField("amount") == event.cost.HasField("amount")
        assert row.cost.amount == event.cost.amount
        assert abs(times.seconds(row.timing.total) - times.seconds(event.timing.total)) < 1e-6
        assert from_timestamp(row.start_time) == brute_force.time_of(event)


async def test_completions_that_arrive_meanwhile_move_no_page(
    booked: Booked, replica: Replica, traffic: Traffic
) -> None:
    asked: dict[str, Any] = {"filter": ReportFilter(scope=REPORT_SCOPE_PLATFORM), "page_size": 10}
    newest = sorted((event.event_id for event in booked.events), reverse=True)
    list_completions = booked.service.stub.ListCompletions
    first = await list_completions(ListCompletionsRequest(**asked), metadata=booked.operator)
    await replica.take(*messages(uuid7(), [CompletionEvent(finished=traffic.finished())], [1]))
    asked["page_token"] = first.next_page_token
    second = await list_completions(ListCompletionsRequest(**asked), metadata=booked.operator)
    assert [row.id for row in (*first.rows, *second.rows)] == newest[:20]


async def test_the_times_of_a_list_are_exact(booked: Booked) -> None:
    moments = sorted(brute_force.time_of(event) for event in booked.events)
    start, end = moments[10], moments[20] + timedelta(microseconds=1)
    asked = ReportFilter(scope=REPORT_SCOPE_PLATFORM, start_time=to_timestamp(start), end_time=to_timestamp(end))
    answer = await booked.service.stub.ListCompletions(ListCompletionsRequest(filter=asked), metadata=booked.operator)
    assert sorted(from_timestamp(row.start_time) for row in answer.rows) == moments[10:21]


async def test_the_attempts_of_one_request_can_be_listed(booked: Booked) -> None:
    request_id = booked.events[5].started.request_id
    request = ListCompletionsRequest(filter=booked.everything(), request_id=request_id)
    answer = await booked.service.stub.ListCompletions(request, metadata=booked.operator)
    assert [row.id for row in answer.rows] == [booked.events[5].event_id]


async def test_an_epoch_is_not_a_special_time(booked: Booked) -> None:
    start = to_timestamp(datetime(1970, 1, 1, tzinfo=UTC))
    answer = await booked.query(filter=booked.everything(start_time=start))
    assert answer.groups[0].totals.attempts == len(booked.events)
