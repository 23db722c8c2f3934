"""Tests of custom models over REST: what the router is asked, and how its answer is shown."""

import json
from decimal import Decimal
from typing import Any

import httpx2 as httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1.model_test_pb2 import (
    CHECK_OUTCOME_FAILED,
    CHECK_OUTCOME_PASSED,
    CHECK_OUTCOME_UNKNOWN,
    ModelTest,
    ModelVerdict,
)
from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from services.runtime.errors import InvalidField, NoEndpoint
from tests.integration.edge.grounds import error_of
from tests.integration.edge.running import Behind
from tests.integration.edge.services import KEY as CREDENTIAL

UNSAVED = "/api/custom-models/test"
KEPT = "/api/custom-models/custom/my/model/test"
KEY = "sk-canary-31337"
DOCUMENT: dict[str, Any] = {
    "name": "Mine",
    "model_id": "custom/mine",
    "provider": "openai",
    "api_endpoint": "https://models.example.org/v1/chat/completions",
    "parameters": {"temperature": 0.2, "max_tokens": 100},
}
TEST = ModelTest(
    request_id="0199",
    model="custom/mine",
    provider="openai",
    served_model="served",
    text="Paris",
    finish_reason="length",
    timing=Timing(time_to_first_token=Duration(nanos=250_000_000), total=Duration(seconds=1, nanos=500_000_000)),
    tokens=TokenUsage(prompt_tokens=12, completion_tokens=1, cached_tokens=0),
    cost=Cost(amount=ProtoDecimal(value="0.000120000000000001"), price_version_id="v-1"),
    verdict=ModelVerdict(
        non_empty=CHECK_OUTCOME_PASSED,
        finished=CHECK_OUTCOME_FAILED,
        right_language=CHECK_OUTCOME_UNKNOWN,
        parameters_accepted=CHECK_OUTCOME_PASSED,
    ),
)


async def test_a_test_shows_text_latency_tokens_cost_and_verdict(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.router.test = TEST
    answer = await ada.post(KEPT, json={"prompt": "What is the capital of France?"})
    assert answer.status_code == 200
    assert json.loads(answer.text, parse_float=Decimal) == {
        "request_id": "0199",
        "model": "custom/mine",
        "provider": "openai",
        "served_model": "served",
        "text": "Paris",
        "finish_reason": "length",
        "time_to_first_token_seconds": Decimal("0.25"),
        "latency_seconds": Decimal("1.5"),
        "tokens": {"prompt_tokens": 12, "completion_tokens": 1, "cached_tokens": 0},
        "cost": {
            "amount": Decimal("0.000120000000000001"),
            "provider_reported": None,
            "price_version_id": "v-1",
            "price_override_id": None,
        },
        "verdict": {
            "passed": False,
            "non_empty": "passed",
            "finished": "failed",
            "right_language": "unknown",
            "parameters_accepted": "passed",
        },
        "refusal": None,
    }
    asked = behind.router.received.messages[0]
    assert (asked.model, asked.prompt) == ("custom/my/model", "What is the capital of France?")
    assert behind.router.received.metadata[0]["authorization"] == f"Bearer {CREDENTIAL}"


async def test_a_refusal_of_the_provider_is_a_result(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.router.test = ModelTest(model="custom/mine", refusal="no such model", verdict=TEST.verdict)
    answer = (await ada.post(KEPT, json={})).json()
    assert (answer["refusal"], answer["text"], answer["time_to_first_token_seconds"]) == ("no such model", "", None)
    assert answer["cost"]["amount"] is None


@pytest.mark.parametrize("place", ("beside", "inside"))
async def test_a_model_that_is_not_kept_yet_is_tried_with_its_key(
    ada: httpx.AsyncClient, behind: Behind, place: str
) -> None:
    behind.router.test = TEST
    body = {"custom_model": dict(DOCUMENT), "prompt": "Hello"}
    (body if place == "beside" else body["custom_model"])["api_key"] = KEY  # type: ignore[index]
    answer = await ada.post(UNSAVED, json=body)
    assert answer.status_code == 200
    assert "31337" not in answer.text
    asked = behind.router.received.messages[0]
    assert (asked.api_key, asked.prompt) == (KEY, "Hello")
    assert (asked.custom_model.model_id, asked.custom_model.api_endpoint) == ("custom/mine", DOCUMENT["api_endpoint"])
    assert asked.custom_model.parameters == ModelParameters(temperature=0.2, max_tokens=100)


@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({"custom_model": DOCUMENT, "promt": ""}, "promt"),
        ({"custom_model": DOCUMENT, "prompt": 4}, "prompt"),
        ({"custom_model": [KEY]}, "custom_model"),
        ({"custom_model": {**DOCUMENT, "id": "1"}}, "custom_model.id"),
        ({"custom_model": {**DOCUMENT, "parameters": {"top_k": 1}}}, "custom_model.parameters.top_k"),
        ({"custom_model": {**DOCUMENT, "api_key": [KEY]}}, "custom_model.api_key"),
        ({"custom_model": {**DOCUMENT, "api_key": KEY}, "api_key": KEY}, "api_key"),
    ),
)
async def test_a_bad_member_is_refused_by_its_path_before_anything_is_asked(
    ada: httpx.AsyncClient, behind: Behind, body: dict[str, Any], field: str
) -> None:
    answer = await ada.post(UNSAVED, json=body)
    assert error_of(answer) == (400, "INVALID_FIELD", field)
    assert "31337" not in answer.text
    assert not behind.router.received.messages


@pytest.mark.parametrize(
    ("told", "field"),
    (
        ("api_endpoint", "custom_model.api_endpoint"),
        ("custom_model.api_endpoint", "custom_model.api_endpoint"),
        ("parameters.temperature", "custom_model.parameters.temperature"),
        ("prompt", "prompt"),
        ("api_key", "api_key"),
    ),
)
async def test_what_the_router_refuses_is_told_by_its_path_in_the_body(
    ada: httpx.AsyncClient, behind: Behind, told: str, field: str
) -> None:
    behind.router.error = InvalidField(told, "x", "something else")
    answer = await ada.post(UNSAVED, json={"custom_model": DOCUMENT})
    assert error_of(answer) == (400, "INVALID_FIELD", field)


async def test_another_failure_is_told_as_it_is(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.router.error = NoEndpoint("custom/mine")
    assert error_of(await ada.post(KEPT, json={}))[:2] == (400, "NO_ENDPOINT")
    assert error_of(await ada.post(UNSAVED, content=b""))[:2] == (400, "MALFORMED_BODY")


async def test_who_has_no_credentials_is_told_so(anyone: httpx.AsyncClient, behind: Behind) -> None:
    for path in (UNSAVED, KEPT):
        assert error_of(await anyone.post(path, content=b"{"))[:2] == (401, "CREDENTIALS_MISSING")
    assert not behind.router.received.messages
