import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx2 as httpx
import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.usage.v1.report_pb2 import REPORT_SCOPE_OWN, UsageGroup, UsageTotals
from pantheon.usage.v1.usage_service_pb2 import GetUsageSummaryResponse
from services.runtime.errors import InvalidField
from services.runtime.times import from_timestamp, to_timestamp
from tests.integration.edge.running import Behind, client_of, running_edge
from tests.integration.edge.services import INFERENCE_KEY, KEY

USAGE = "/api/user/usage"
START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 10, 31, tzinfo=UTC)


def totals(cost: str | None, *, requests: int = 1, unpriced: int = 0) -> UsageTotals:
    return UsageTotals(
        requests=requests,
        unpriced_requests=unpriced,
        prompt_tokens=70 * requests,
        completion_tokens=30 * requests,
        cost=None if cost is None else ProtoDecimal(value=cost),
    )


def shown(cost: str | None, *, requests: int = 1, unpriced: int = 0) -> dict[str, object]:
    return {
        "tokens": 100 * requests,
        "cost": None if cost is None else Decimal(cost),
        "requests": requests,
        "unpriced_requests": unpriced,
        "prompt_tokens": 70 * requests,
        "completion_tokens": 30 * requests,
    }


async def test_the_body_sums_tokens_cost_and_requests_in_all_and_by_model(
    ada: httpx.AsyncClient, behind: Behind
) -> None:
    behind.usage.summary = GetUsageSummaryResponse(
        totals=totals("45.500000000000000001", requests=3, unpriced=1),
        by_model=[
            UsageGroup(keys=["openai/gpt-4"], totals=totals("45.500000000000000001", requests=2)),
            UsageGroup(keys=["acme/new"], totals=totals(None, unpriced=1)),
        ],
        start_time=to_timestamp(START),
        end_time=to_timestamp(END),
    )
    answer = await ada.get(USAGE)
    assert answer.status_code == 200
    assert json.loads(answer.text, parse_float=Decimal) == {
        "total_tokens": 300,
        "total_cost": Decimal("45.500000000000000001"),
        "by_model": {
            "openai/gpt-4": shown("45.500000000000000001", requests=2),
            "acme/new": shown(None, unpriced=1),
        },
        "period": "last_30_days",
        "requests": 3,
        "unpriced_requests": 1,
        "prompt_tokens": 210,
        "completion_tokens": 90,
        "start_time": "2026-10-01T00:00:00Z",
        "end_time": "2026-10-31T00:00:00Z",
    }


async def test_a_cost_that_is_wholly_unknown_is_null_and_never_zero(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.usage.summary = GetUsageSummaryResponse(totals=totals(None, unpriced=1))
    assert (await ada.get(USAGE)).json()["total_cost"] is None
    behind.usage.summary = GetUsageSummaryResponse(totals=totals("0"))
    assert (await ada.get(USAGE)).json()["total_cost"] == 0


async def test_the_credential_is_passed_on_and_only_the_own_usage_asked_for(
    ada: httpx.AsyncClient, behind: Behind
) -> None:
    await ada.get(USAGE)
    assert behind.usage.received.metadata[0]["authorization"] == f"Bearer {KEY}"
    asked = behind.usage.received.messages[0].filter
    assert asked.scope == REPORT_SCOPE_OWN
    assert not asked.user_ids
    assert not asked.HasField("end_time")
    assert datetime.now(UTC) - from_timestamp(asked.start_time) - timedelta(days=30) < timedelta(minutes=1)


async def test_times_are_asked_for_as_given(ada: httpx.AsyncClient, behind: Behind) -> None:
    given = {"start_time": "2026-10-01T02:00:00+02:00", "end_time": "2026-10-31T00:00:00Z"}
    answer = await ada.get(USAGE, params=given)
    assert answer.json()["period"] == "custom"
    asked = behind.usage.received.messages[0].filter
    assert (from_timestamp(asked.start_time), from_timestamp(asked.end_time)) == (START, END)


@pytest.mark.parametrize(
    ("query", "field"),
    (
        ("period=last_month_but_one", "period"),
        ("period=today&period=today", "period"),
        ("period=today&start_time=2026-10-01T00:00:00Z", "period"),
        ("start_time=yesterday", "start_time"),
        ("end_time=2026-10-01T00:00:00", "end_time"),
        ("start_time=2026-10-02T00:00:00Z&end_time=2026-10-01T00:00:00Z", "start_time"),
        ("user_id=somebody", "user_id"),
    ),
)
async def test_a_bad_query_is_refused_by_name(ada: httpx.AsyncClient, behind: Behind, query: str, field: str) -> None:
    answer = await ada.get(f"{USAGE}?{query}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("INVALID_FIELD", field)
    assert not behind.usage.received.messages


async def test_a_field_the_service_refuses_has_the_name_it_has_here(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.usage.error = InvalidField("filter.end_time", "0 s", "a time from 1970 to 9999")
    answer = await ada.get(USAGE)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "INVALID_FIELD",
        "message": "end_time: '0 s' is not allowed; a time from 1970 to 9999",
        "details": {"field": "end_time", "value": "0 s", "allowed": "a time from 1970 to 9999"},
    }


@pytest.mark.parametrize(
    ("credential", "status", "code"),
    (
        (None, 401, "CREDENTIALS_MISSING"),
        ("Basic YWRhOmxvdmVsYWNl", 401, "CREDENTIALS_MISSING"),
        ("Bearer", 401, "CREDENTIALS_MISSING"),
        ("Bearer pan-nobody", 401, "CREDENTIALS_INVALID"),
        ("Bearer ключ", 401, "CREDENTIALS_INVALID"),
        (f"Bearer {'k' * 100_000}", 401, "CREDENTIALS_INVALID"),
        (f"Bearer {INFERENCE_KEY}", 403, "ACCESS_DENIED"),
    ),
)
async def test_who_may_not_is_refused(
    anyone: httpx.AsyncClient, credential: str | None, status: int, code: str
) -> None:
    headers = [] if credential is None else [(b"authorization", credential.encode())]
    answer = await anyone.get(USAGE, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("sandbox_url", ("", "http://127.0.0.1:8099"))
async def test_the_usage_shown_is_of_the_kind_of_the_stack_s_providers(behind: Behind, sandbox_url: str) -> None:
    settings = behind.settings.model_copy(update={"sandbox_url": sandbox_url})
    async with running_edge(settings) as url, client_of(url) as client:
        answer = await client.get(USAGE, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200
    asked = behind.usage.received.messages[0].filter
    assert (asked.HasField("sandbox"), asked.sandbox) == (True, bool(sandbox_url))
