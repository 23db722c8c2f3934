"""Verification finds what does not fit the ledger, wherever it was put."""

from datetime import timedelta
from uuid import UUID

import pytest

from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_UNSPECIFIED
from pantheon.usage.v1.usage_service_pb2 import VerifyLedgerRequest
from services.runtime import times
from services.runtime.ids import uuid7
from services.runtime.times import to_timestamp
from services.usage.periods import QUARTER, quarter_floor
from tests.fixtures.completion_events import Traffic, message
from tests.integration.usage.running import Replica, Service

OLD = timedelta(days=100)


@pytest.fixture
async def spool(replica: Replica, traffic: Traffic) -> UUID:
    """A spool with attempts of now and of long ago, one open attempt and one dead letter."""
    spool = uuid7()
    events = [event for _ in range(20) for event in traffic.attempt()]
    events += [event for _ in range(20) for event in traffic.attempt(times.now() - OLD)]
    poison = traffic.attempt()[1]
    poison.finished.state = LEDGER_STATE_UNSPECIFIED
    await replica.take(message(spool, 1, [*events, poison, traffic.attempt()[0]]))
    return spool


async def test_a_ledger_that_fits_has_no_discrepancies(replica: Replica, service: Service, spool: UUID) -> None:
    answer = await service.stub.VerifyLedger(VerifyLedgerRequest(), metadata=service.callers.operator())
    assert list(answer.discrepancies) == []
    assert (answer.rows, answer.dead_letters, answer.open_attempts) == (40, 1, 1)
    assert answer.groups == await replica.value(
        "SELECT (SELECT count(*) FROM rollup) + (SELECT count(*) FROM tag_rollup) + (SELECT count(*) FROM histogram)"
    )
    assert [(mark.spool_id, mark.committed_through) for mark in answer.watermarks] == [(str(spool), 82)]


@pytest.mark.parametrize(
    ("corruption", "check"),
    (
        ("UPDATE rollup SET requests = requests + 1 WHERE bucket = (SELECT min(bucket) FROM rollup)", "rollup"),
        ("UPDATE rollup SET cost = coalesce(cost, 0) + 1e-18", "rollup"),
        ("UPDATE rollup SET cost = NULL, provider_reported_cost = 1", "rollup"),
        ("DELETE FROM rollup WHERE bucket = (SELECT max(bucket) FROM rollup)", "rollup"),
        ("UPDATE rollup SET bucket = bucket + interval '15 minutes'", "rollup"),
        ("UPDATE tag_rollup SET total_us = total_us - 1 WHERE tag = 'team'", "tag_rollup"),
        ("DELETE FROM tag_rollup WHERE value = 'prod'", "tag_rollup"),
        ("UPDATE histogram SET slot = slot + 1", "histogram"),
        ("UPDATE histogram SET sum_us = sum_us + 1 WHERE metric = 2", "histogram"),
        ("UPDATE histogram SET count = 2 * count", "histogram"),
        ("UPDATE spool SET received = received - '{[7,8)}'", "watermark"),
        ("UPDATE spool SET committed_through = committed_through + 1", "watermark"),
        ("DELETE FROM ledger WHERE id = (SELECT id FROM ledger LIMIT 1)", "rollup"),
        ("UPDATE ledger SET prompt_tokens = 1 WHERE id = (SELECT id FROM ledger LIMIT 1)", "rollup"),
    ),
)
async def test_a_planted_corruption_is_found(
    replica: Replica, service: Service, spool: UUID, corruption: str, check: str
) -> None:
    await replica.execute(corruption)
    answer = await service.stub.VerifyLedger(VerifyLedgerRequest(), metadata=service.callers.operator())
    assert check in {found.check for found in answer.discrepancies}
    assert all(found.place and found.expected != found.found for found in answer.discrepancies)


async def test_an_attempt_booked_twice_is_found(replica: Replica, service: Service, traffic: Traffic) -> None:
    first, second = (traffic.attempt()[1] for _ in range(2))
    second.finished.started.attempt_id = first.finished.started.attempt_id
    at = UUID(first.finished.started.attempt_id).int >> 80
    twin = UUID(int=at << 80 | uuid7().int & (1 << 80) - 1)
    second.finished.started.finish_id = second.finished.event_id = str(twin)
    await replica.take(message(uuid7(), 1, [first, second]))
    answer = await service.stub.VerifyLedger(VerifyLedgerRequest(), metadata=service.callers.operator())
    assert [(found.check, found.expected, found.found) for found in answer.discrepancies] == [
        ("duplicate", "1 row", "2 rows")
    ]
    assert first.finished.started.attempt_id in answer.discrepancies[0].place


async def test_a_period_can_be_verified_alone(replica: Replica, service: Service, spool: UUID) -> None:
    await replica.execute("UPDATE rollup SET requests = 9 WHERE bucket < now() - interval '1 day'")
    start = quarter_floor(times.now() - timedelta(days=1))
    request = VerifyLedgerRequest(start_time=to_timestamp(start))
    answer = await service.stub.VerifyLedger(request, metadata=service.callers.operator())
    assert (answer.rows, list(answer.discrepancies)) == (20, [])
    request = VerifyLedgerRequest(end_time=to_timestamp(start + QUARTER))
    answer = await service.stub.VerifyLedger(request, metadata=service.callers.operator())
    assert answer.rows == 20
    assert {found.check for found in answer.discrepancies} == {"rollup"}


async def test_an_empty_ledger_verifies(service: Service) -> None:
    answer = await service.stub.VerifyLedger(VerifyLedgerRequest(), metadata=service.callers.operator())
    assert (answer.rows, answer.groups, list(answer.discrepancies)) == (0, 0, [])
