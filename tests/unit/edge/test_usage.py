import json
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pantheon.usage.v1.report_pb2 import UsageGroup, UsageTotals
from pantheon.usage.v1.usage_service_pb2 import GetUsageSummaryResponse
from services.edge.rest.usage import usage_body
from services.runtime.money import to_proto

amounts = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=18)


def as_json(summary: GetUsageSummaryResponse) -> str:
    return msgspec.json.encode(usage_body(summary, "last_30_days")).decode()


@given(amounts, amounts)
def test_money_is_a_number_of_exactly_its_digits(total: Decimal, share: Decimal) -> None:
    group = UsageGroup(keys=["openai/gpt-4"], totals=UsageTotals(cost=to_proto(share)))
    text = as_json(GetUsageSummaryResponse(totals=UsageTotals(cost=to_proto(total)), by_model=[group]))
    body = json.loads(text, parse_float=Decimal)
    assert Decimal(body["total_cost"]) == total
    assert Decimal(body["by_model"]["openai/gpt-4"]["cost"]) == share
    assert f'"total_cost":{total:f},' in text


def test_no_known_cost_is_null_and_a_known_zero_is_zero() -> None:
    unknown = UsageGroup(keys=["acme/new"], totals=UsageTotals(requests=2, unpriced_requests=2))
    free = UsageGroup(keys=["acme/free"], totals=UsageTotals(requests=1, cost=to_proto(Decimal("0.000"))))
    totals = UsageTotals(requests=3, unpriced_requests=2, cost=to_proto(Decimal(0)))
    body = json.loads(as_json(GetUsageSummaryResponse(totals=totals, by_model=[unknown, free])))
    assert body["by_model"]["acme/new"]["cost"] is None
    assert body["by_model"]["acme/free"]["cost"] == 0
    assert (body["total_cost"], body["unpriced_requests"]) == (0, 2)


def test_nothing_used_cost_nothing() -> None:
    body = json.loads(as_json(GetUsageSummaryResponse(totals=UsageTotals())))
    assert (body["total_tokens"], body["total_cost"], body["by_model"]) == (0, 0, {})


def test_models_stay_in_the_order_of_the_report() -> None:
    groups = [UsageGroup(keys=[f"vendor/{name}"]) for name in "cab"]
    body = json.loads(as_json(GetUsageSummaryResponse(by_model=groups)))
    assert list(body["by_model"]) == ["vendor/c", "vendor/a", "vendor/b"]


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_tokens_are_those_of_prompts_and_completions(prompt: int, completion: int) -> None:
    totals = UsageTotals(prompt_tokens=prompt, completion_tokens=completion)
    body = usage_body(GetUsageSummaryResponse(totals=totals), "today")
    assert (body.total_tokens, body.prompt_tokens, body.completion_tokens) == (prompt + completion, prompt, completion)
    assert body.period == "today"
