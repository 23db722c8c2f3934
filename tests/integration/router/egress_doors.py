"""Every way in by which a user's request makes the router connect to where that user says."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc

from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.events.v1.change_pb2 import Change, CustomModelChanged
from pantheon.router.v1.embedding_pb2 import EmbeddingSpec
from pantheon.router.v1.router_service_pb2 import EmbedRequest, TestModelRequest
from tests.integration.router.failing import Failed, failed
from tests.integration.router.running import AUTHORIZATION, PRINCIPAL, RunningRouter, spec

CANARY = "sk-canary-of-a-custom-model"

Door = Callable[[RunningRouter, CustomModel], Awaitable[Failed | None]]
"""How a request at a model failed; None: it was answered. What a test of a model calls a refusal is a failure here."""


def pointing(base_url: str, name: str = "mine") -> CustomModel:
    """A model of the caller's that talks as OpenAI does and is where the caller says."""
    return CustomModel(
        id=f"id of {name}",
        model_id=f"custom/{name}",
        user_id=PRINCIPAL.user_id,
        provider="openai",
        provider_model_id="gpt-4",
        base_url=base_url,
    )


def told_of(model: CustomModel) -> Change:
    """How a router hears of it."""
    return Change(custom_model_changed=CustomModelChanged(custom_model=model))


def http(path: str, **members: Any) -> Door:
    """A POST, answered as a whole or as a stream."""

    async def door(router: RunningRouter, model: CustomModel) -> Failed | None:
        answer = await router.http.post(path, json={"model": model.model_id, **members})
        if answer.status_code == 200:
            return None
        assert "location" not in answer.headers
        detail = answer.json()["error"]
        return Failed(answer.status_code, answer.headers["x-pantheon-reason"], detail["message"], {})

    return door


def over_grpc(call: Callable[[RunningRouter, CustomModel], Awaitable[Failed | None]]) -> Door:
    """An RPC, by the status it ends with."""

    async def door(router: RunningRouter, model: CustomModel) -> Failed | None:
        try:
            return await call(router, model)
        except grpc.aio.AioRpcError as failure:
            return failed(failure)

    return door


async def _whole(router: RunningRouter, model: CustomModel) -> None:
    await router.complete(spec(model.model_id))


async def _streamed(router: RunningRouter, model: CustomModel) -> None:
    async for _ in router.stream_complete(spec(model.model_id)):
        pass


async def _kept(router: RunningRouter, model: CustomModel) -> Failed | None:
    return await _tried(router, TestModelRequest(model=model.model_id))


async def _unsaved(router: RunningRouter, model: CustomModel) -> Failed | None:
    return await _tried(router, TestModelRequest(custom_model=model, api_key=CANARY))


async def _embedded(router: RunningRouter, model: CustomModel) -> None:
    request = EmbedRequest(spec=EmbeddingSpec(model=model.model_id, texts=["bees"]))
    await router.stub.Embed(request, metadata=AUTHORIZATION, timeout=20)


async def _tried(router: RunningRouter, request: TestModelRequest) -> Failed | None:
    test = (await router.stub.TestModel(request, metadata=AUTHORIZATION, timeout=20)).test
    return Failed("OK", "REFUSAL", test.refusal, {}) if test.refusal else None


_MESSAGES = [{"role": "user", "content": "Tell me about bees."}]

DOORS: Mapping[str, Door] = {
    "Complete": over_grpc(_whole),
    "StreamComplete": over_grpc(_streamed),
    "/v1/chat/completions": http("/v1/chat/completions", messages=_MESSAGES),
    "/v1/chat/completions, streamed": http("/v1/chat/completions", messages=_MESSAGES, stream=True),
    "TestModel": over_grpc(_kept),
    "TestModel, not kept": over_grpc(_unsaved),
}
"""Those of completions and of tests."""

_COMPLETIONS, _TESTS = list(DOORS.values())[:4], list(DOORS.values())[4:]
_ALL_EVERY = 8


def doors_for(number: int) -> Sequence[Door]:
    """The doors to try with one of many spellings: one of the completions' and one of the tests' in turn; often all."""
    if number % _ALL_EVERY == 0:
        return list(DOORS.values())
    return _COMPLETIONS[number % 4], _TESTS[number // 4 % 2]


BACK_DOORS: Mapping[str, Door] = {
    "/v1/responses": http("/v1/responses", input="Tell me about bees."),
    "/v1/responses, streamed": http("/v1/responses", input="Tell me about bees.", stream=True),
    "/v1/messages": http("/v1/messages", messages=_MESSAGES, max_tokens=9),
    "/v1/messages, streamed": http("/v1/messages", messages=_MESSAGES, max_tokens=9, stream=True),
    "/v1/embeddings": http("/v1/embeddings", input="bees"),
    "Embed": over_grpc(_embedded),
}
"""What else takes the name of a model. Behind these, all is the same as behind the others."""
