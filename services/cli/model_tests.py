"""`pantheon custom-models test`: asks a model something, and says how it did."""

import re

from pantheon.router.v1.router_service_pb2 import TestModelRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from services.cli.calling import Caller
from services.cli.custom_models import NAMES, check_members, reached
from services.cli.numbers import amount_of
from services.cli.output import UNKNOWN, console, count, duration, facts, money, print_json
from services.edge.rest.custom_model_bodies import given_custom_model
from services.edge.rest.members import Members
from services.edge.rest.model_test_bodies import ModelTestBody, model_test_body

# A model that reasons takes its time.
_TEST_SECONDS = 120.0
_KEPT = re.compile(r"custom/.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_document(target: str) -> bool:
    """Whether what is to be tried is a file or standard input, and not a model's id or model id."""
    return _KEPT.fullmatch(target) is None


async def try_kept(router: Caller, catalog: Caller, which: str, prompt: str, *, as_json: bool) -> int:
    """Tries out the custom model of an id or model id and prints how it did; 1: it failed. Raises CommandFailed."""
    async with catalog:
        model_id = await reached(catalog, which)
    return await _try(router, TestModelRequest(model=model_id, prompt=prompt), as_json=as_json)


async def try_described(router: Caller, document: Members, api_key: str | None, prompt: str, *, as_json: bool) -> int:
    """The same for one that is not kept. Raises CommandFailed, InvalidField."""
    check_members(document)
    request = TestModelRequest(custom_model=given_custom_model(document), api_key=api_key or "", prompt=prompt)
    return await _try(router, request, as_json=as_json)


def print_test(test: ModelTestBody) -> None:
    """Answer, figures and checks, and what they come to."""
    verdict = test.verdict
    checks = {
        "answer is not empty": verdict.non_empty,
        "answer is finished": verdict.finished,
        "right language": verdict.right_language,
        "parameters accepted": verdict.parameters_accepted,
    }
    cost = amount_of(test.cost.amount)
    said = {
        "model": test.model,
        "served by": f"{test.provider}, as {test.served_model}" if test.served_model else test.provider,
        "answer": test.text or UNKNOWN,
        "refused": test.refusal or "no",
        "ended by": test.finish_reason or UNKNOWN,
        "first token": duration(test.time_to_first_token_seconds),
        "latency": duration(test.latency_seconds),
        "tokens": _tokens(test),
        "cost": money(cost, 1 if cost is None else 0),
        "request": test.request_id,
        **{what: outcome or "unknown" for what, outcome in checks.items()},
        "verdict": "passed" if verdict.passed else "FAILED",
    }
    console().print(facts(said))


def _tokens(test: ModelTestBody) -> str:
    """Those of prompt and completion, and of what is more special those that there were."""
    plain = ("prompt_tokens", "completion_tokens")
    special = (f"{name.replace('_', ' ')} {count(number)}" for name, number in test.tokens.items() if name not in plain)
    known = [f"{name.removesuffix('_tokens')} {count(test.tokens.get(name))}" for name in plain]
    return ", ".join([*known, *(said for said in special if not said.endswith(" 0"))])


async def _try(router: Caller, request: TestModelRequest, *, as_json: bool) -> int:
    async with router:
        with console(stderr=True).status("asking the model"):
            stub = RouterServiceStub(router.channel)
            answer = await router.call(stub.TestModel, request, _TEST_SECONDS, NAMES)
    test = model_test_body(answer.test)
    if as_json:
        print_json(test)
    else:
        print_test(test)
    return 0 if test.verdict.passed else 1
