"""What is refused is refused on both surfaces for the same reason, reaches no provider and is not in the ledger."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import pytest

from pantheon.router.v1.completion_pb2 import CompletionSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import CompleteRequest, StreamCompleteRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from services.runtime.status import error_from_rpc
from tests.fixtures.deployments import Deployment

FIFTY_MB = 50_000_000
WRONG_KEY = "pan-" + "x" * 43


@dataclass(frozen=True)
class Mistake:
    """A request that goes wrong: `change` is made to a sound one."""

    name: str
    reason: str
    http_status: int
    code: grpc.StatusCode
    change: dict[str, Any] = field(default_factory=dict)
    key: str | None = ""  # empty: a sound one


MISTAKES = (
    Mistake("no key", "CREDENTIALS_MISSING", 401, grpc.StatusCode.UNAUTHENTICATED, key=None),
    Mistake("wrong key", "CREDENTIALS_INVALID", 401, grpc.StatusCode.UNAUTHENTICATED, key=WRONG_KEY),
    Mistake("unknown model", "MODEL_NOT_FOUND", 404, grpc.StatusCode.NOT_FOUND, {"model": "gpt-44"}),
    Mistake("temperature 3", "INVALID_FIELD", 400, grpc.StatusCode.INVALID_ARGUMENT, {"temperature": 3}),
    Mistake("no messages", "INVALID_FIELD", 400, grpc.StatusCode.INVALID_ARGUMENT, {"messages": []}),
    Mistake("50 MB", "BODY_TOO_LARGE", 413, grpc.StatusCode.INVALID_ARGUMENT, {"content": "x" * FIFTY_MB}),
)
EACH = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)


@pytest.fixture
def model() -> str:
    """One that would be routed, and that no other test asks for."""
    return f"acme/{uuid4().hex}"


def metadata(mistake: Mistake, deployment: Deployment) -> tuple[tuple[str, str], ...]:
    key = deployment.api_key if mistake.key == "" else mistake.key
    return () if key is None else (("authorization", f"Bearer {key}"),)


def body(mistake: Mistake, model: str) -> dict[str, Any]:
    change = dict(mistake.change)
    content = change.pop("content", "hello")
    return {"model": model, "messages": [{"role": "user", "content": content}], **change}


def spec(mistake: Mistake, model: str) -> CompletionSpec:
    wanted = body(mistake, model)
    made = CompletionSpec(model=wanted["model"])
    for message in wanted["messages"]:
        text = Part(text=TextPart(text=message["content"]))
        made.messages.append(Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[text]))
    if "temperature" in wanted:
        made.parameters.temperature = wanted["temperature"]
    return made


async def nothing_happened(deployment: Deployment, model: str) -> bool:
    seen = [request for request in await deployment.requests_seen() if request["model"] == model]
    return not seen and not await deployment.rows(model)


@EACH
@pytest.mark.parametrize("stream", (False, True), ids=("whole", "streamed"))
async def test_http_refuses(deployment: Deployment, mistake: Mistake, model: str, stream: bool) -> None:
    wanted = {**body(mistake, model), "stream": stream}
    headers = dict(metadata(mistake, deployment))
    async with deployment.http() as client:
        del client.headers["authorization"]
        answer = await client.post("/chat/completions", json=wanted, headers=headers)
    assert answer.status_code == mistake.http_status, answer.text
    error = answer.json()["error"]
    assert error["code"] == mistake.reason
    assert error["message"]
    assert answer.headers["x-pantheon-reason"] == mistake.reason
    assert await nothing_happened(deployment, model)


@EACH
@pytest.mark.parametrize("stream", (False, True), ids=("whole", "streamed"))
async def test_grpc_refuses(deployment: Deployment, mistake: Mistake, model: str, stream: bool) -> None:
    wanted, who = spec(mistake, model), metadata(mistake, deployment)
    async with unlimited_channel(deployment) as channel:
        router = RouterServiceStub(channel)
        call: Any = (
            anext(aiter(router.StreamComplete(StreamCompleteRequest(spec=wanted), metadata=who, timeout=30)))
            if stream
            else router.Complete(CompleteRequest(spec=wanted), metadata=who, timeout=30)
        )
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call
    assert failure.value.code() is mistake.code
    error = error_from_rpc(failure.value)
    assert error.reason == mistake.reason
    assert await nothing_happened(deployment, model)


async def test_malformed_json_is_refused_with_the_place(deployment: Deployment, model: str) -> None:
    content = f'{{"model": "{model}", "messages": [,]}}'
    async with deployment.http() as client:
        answer = await client.post("/chat/completions", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "MALFORMED_BODY"
    assert "byte" in answer.json()["error"]["message"]
    assert await nothing_happened(deployment, model)


async def test_a_range_is_named_with_field_and_value(deployment: Deployment, model: str) -> None:
    async with deployment.http() as client:
        wanted = {"model": model, "messages": [{"role": "user", "content": "hi"}], "temperature": 3}
        error = (await client.post("/chat/completions", json=wanted)).json()["error"]
    assert error["param"] == "temperature"
    assert error["metadata"]["value"] == "3"
    assert "0 to 2" in error["metadata"]["allowed"]


def unlimited_channel(deployment: Deployment) -> grpc.aio.Channel:
    """A client whose own limits do not keep anything from the router."""
    return grpc.aio.insecure_channel(deployment.ports.address("grpc"), options=[("grpc.max_send_message_length", -1)])
