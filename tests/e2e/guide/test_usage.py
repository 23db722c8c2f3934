"""The guide's section "Usage Tracking".

| the guide says                                  | test                                                          |
|-------------------------------------------------|---------------------------------------------------------------|
| Total tokens used, cost per model               | test_total_tokens_and_cost_per_model                          |
| Requests per day                                | test_requests_per_day_and_average_response_time               |
| Average response time                           | the same                                                      |
| GET /api/user/usage, its answer's members       | test_usage_has_the_members_of_the_guide_s_example             |
| "period": "last_30_days"                        | the same                                                      |
| Authorization: Bearer <token>                   | test_usage_is_that_of_whoever_the_token_names                 |
| Use GPT-3.5 for simple tasks                    | test_use_cases.py: test_gpt_3_5_turbo_costs_less              |
| Reduce max_tokens when possible                 | test_parameters.py: test_higher_max_tokens_mean_...           |
| Use streaming for long responses                | test_a_streamed_answer_begins_long_before_it_ends             |
| Monitor usage regularly                         | test_usage_of_a_period                                        |
"""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2 as httpx
import pytest

from pantheon.usage.v1.report_pb2 import Dimension, ReportFilter, ReportScope
from services.cli.calling import Caller
from services.cli.ledger import Ledger
from tests.e2e.guide.asking import QUESTION, completed
from tests.fixtures.eventually import eventually
from tests.fixtures.people import Person

EXAMPLE = {"total_tokens", "total_cost", "by_model", "period"}
EXAMPLE_OF_A_MODEL = {"tokens", "cost", "requests"}


async def usage(api: httpx.AsyncClient, requests: int, **asked: str) -> dict[str, Any]:
    """The report, once it has so many requests."""

    async def found() -> dict[str, Any]:
        answer = await api.get("/api/user/usage", params=asked)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        assert report["requests"] == requests
        return report

    return await eventually(found)


async def test_usage_has_the_members_of_the_guide_s_example(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    await completed(own_chats, "gpt-4")
    report = await usage(own_api, 1)
    assert report.keys() >= EXAMPLE
    assert isinstance(report["total_tokens"], int)
    assert isinstance(report["total_cost"], float)
    assert report["by_model"]["openai/gpt-4"].keys() >= EXAMPLE_OF_A_MODEL
    assert report["period"] == "last_30_days"


async def test_total_tokens_and_cost_per_model(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient, reader: Person
) -> None:
    models = ("openai/gpt-4", "openai/gpt-3.5-turbo", "openai/gpt-3.5-turbo")
    for model in models:
        await completed(own_chats, model)
    report = await usage(own_api, len(models))
    rows = await reader.rows()
    for model in set(models):
        of_it = [row for row in rows if row.model == model]
        shown = report["by_model"][model]
        assert shown["requests"] == models.count(model) == len(of_it)
        assert shown["tokens"] == sum((row.prompt_tokens or 0) + (row.completion_tokens or 0) for row in of_it)
        assert Decimal(str(shown["cost"])) == sum(row.cost or 0 for row in of_it)
    assert report["total_tokens"] == sum(model["tokens"] for model in report["by_model"].values())
    costs = [Decimal(str(model["cost"])) for model in report["by_model"].values()]
    assert Decimal(str(report["total_cost"])) == sum(costs)


async def test_requests_per_day_and_average_response_time(
    reader: Person, own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    before = datetime.now(UTC).date()
    for _ in range(3):
        await completed(own_chats, "openai/gpt-3.5-turbo")
    await usage(own_api, 3)
    which = ReportFilter(scope=ReportScope.REPORT_SCOPE_OWN)
    async with Caller("usage service", reader.deployment.ports.address("usage"), reader.api_key) as caller:
        report = await Ledger(caller).report(which, [Dimension.DIMENSION_DAY])
    assert sum(row.requests for row in report.rows) == 3
    for row in report.rows:
        assert before <= datetime.fromisoformat(row.keys[0]).date() <= datetime.now(UTC).date()
        assert row.total.p50 is not None
        assert 0 < row.total.p50 < 30


async def test_usage_is_that_of_whoever_the_token_names(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient, administrator: Person
) -> None:
    await completed(own_chats, "openai/gpt-4")
    await usage(own_api, 1)
    async with administrator.edge() as theirs:
        report = await usage(theirs, 0)
    assert (report["total_tokens"], report["total_cost"], report["by_model"]) == (0, 0, {})


async def test_usage_of_a_period(own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient) -> None:
    await completed(own_chats, "openai/gpt-4")
    for period in ("last_24_hours", "last_7_days", "last_90_days"):
        assert (await usage(own_api, 1, period=period))["period"] == period
    past = datetime.now(UTC) - timedelta(days=10)
    told = await usage(own_api, 0, start_time=past.isoformat(), end_time=(past + timedelta(days=1)).isoformat())
    assert (told["period"], told["by_model"]) == ("custom", {})


@pytest.mark.parametrize("model", ("openai/gpt-4", "anthropic/claude-3-opus", "google/gemini-pro"))
async def test_a_streamed_answer_begins_long_before_it_ends(chats: httpx.AsyncClient, model: str) -> None:
    # The sandbox's word for so many tokens at such a pace.
    body = {
        "model": f"{model}:sandbox-length-200:sandbox-rate-400",
        "messages": [{"role": "user", "content": QUESTION}],
        "stream": True,
    }
    async with chats.stream("POST", "/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        arrived = [time.monotonic() async for piece in answer.aiter_raw() if b'"content"' in piece]
    assert len(arrived) > 5
    assert arrived[-1] - arrived[0] > 0.2
