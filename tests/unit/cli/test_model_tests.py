"""A test of a model: what is asked, what is shown, and the exit code."""

import json
from decimal import Decimal

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import GetCustomModelRequest, GetCustomModelResponse
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.router.v1.model_test_pb2 import CheckOutcome, ModelTest, ModelVerdict
from pantheon.router.v1.router_service_pb2 import TestModelRequest as ModelTestRequest
from pantheon.router.v1.router_service_pb2 import TestModelResponse as ModelTestResponse
from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from services.cli.model_tests import is_document, try_described, try_kept
from services.cli.running import CommandFailed
from services.edge.rest.bodies import parse_object
from services.runtime import money, times
from services.runtime.errors import InvalidField
from tests.fixtures.guide import CUSTOM_MODEL
from tests.unit.cli.answering import Answer, Answering, Prepared

DONE = ModelTest(
    request_id="r1",
    model="custom/my-model",
    provider="openrouter",
    text="Hello there.",
    finish_reason="stop",
    timing=Timing(time_to_first_token=times.duration(0.25), total=times.duration(1.5)),
    tokens=TokenUsage(prompt_tokens=12, completion_tokens=3, cached_tokens=0, reasoning_tokens=2),
    cost=Cost(amount=money.to_proto(Decimal("0.00021"))),
    verdict=ModelVerdict(
        passed=True,
        non_empty=CheckOutcome.CHECK_OUTCOME_PASSED,
        right_language=CheckOutcome.CHECK_OUTCOME_UNKNOWN,
    ),
)
REFUSED = ModelTest(request_id="r2", refusal="temperature is not supported", verdict=ModelVerdict())


def router(answer: Answer) -> Answering:
    return Answering("pantheon.router.v1.RouterService", TestModel=Prepared(ModelTestRequest, answer))


@pytest.mark.parametrize(
    ("target", "document"),
    (
        ("custom/my-model", False),
        ("custom/my.json", False),
        ("01a20000-0000-7000-8000-000000000000", False),
        ("-", True),
        ("model.json", True),
        ("./custom/model.json", True),
    ),
)
def test_a_target_is_a_model_or_a_document(target: str, document: bool) -> None:
    assert is_document(target) is document


async def test_a_test_shows_answer_figures_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    asked = router(ModelTestResponse(test=DONE))
    async with asked.serving() as caller:
        assert await try_described(caller, parse_object(CUSTOM_MODEL.encode()), "sk-1", "Hi", as_json=False) == 0
    (request,) = asked.asked
    assert (request.custom_model.model_id, request.api_key, request.prompt) == ("custom/my-model", "sk-1", "Hi")
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {
        "answer Hello there.",
        "first token 250 ms",
        "latency 1,500 ms",
        "tokens prompt 12, completion 3, reasoning tokens 2",
        "cost $0.000210",
        "answer is not empty passed",
        "right language unknown",
        "verdict passed",
    } <= set(shown)


@pytest.mark.parametrize("as_json", (False, True))
async def test_a_model_that_fails_fails_the_command(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    kept = GetCustomModelResponse(custom_model=CustomModel(id="m1", model_id="custom/my-model"))
    catalog = Answering("pantheon.catalog.v1.CatalogService", GetCustomModel=Prepared(GetCustomModelRequest, kept))
    asked = router(ModelTestResponse(test=REFUSED))
    async with asked.serving() as caller, catalog.serving() as models:
        assert await try_kept(caller, models, "m1", "", as_json=as_json) == 1
    assert asked.asked[0].model == "custom/my-model"
    printed = capsys.readouterr().out
    assert "temperature is not supported" in printed
    if as_json:
        assert json.loads(printed)["verdict"]["passed"] is False
    else:
        assert "FAILED" in printed
        assert "unpriced" in printed


async def test_what_may_not_be_made_is_told_by_the_documents_names() -> None:
    refusal = InvalidField("custom_model.api_endpoint", "http://10.0.0.1/", "a public address")
    async with router(refusal).serving() as caller:
        with pytest.raises(CommandFailed, match=r"^api_endpoint: 'http://10\.0\.0\.1/' is not allowed"):
            await try_described(caller, parse_object(CUSTOM_MODEL.encode()), None, "", as_json=True)
