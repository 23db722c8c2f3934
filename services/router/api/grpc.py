"""RouterService: completions and embeddings over gRPC. Maps, decides nothing."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from pantheon.router.v1.completion_pb2 import CompletionSpec
from pantheon.router.v1.embedding_pb2 import EmbeddingSpec
from pantheon.router.v1.router_service_pb2 import (
    CompleteRequest,
    CompleteResponse,
    EmbedRequest,
    EmbedResponse,
    StreamCompleteRequest,
    StreamCompleteResponse,
    StreamStarted,
    TestModelRequest,
    TestModelResponse,
)
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceServicer
from pantheon.usage.v1.ledger_pb2 import SURFACE_GRPC
from services.router.api import grpc_embeddings
from services.router.api.admission import Admission
from services.router.api.grpc_model_test import prompt_of, trial_request
from services.router.api.grpc_request import to_request
from services.router.api.grpc_response import Accumulator
from services.router.api.http import MAX_BODY_BYTES
from services.router.attempts import Call
from services.router.chat import ChatRequest
from services.router.engine import Engine
from services.router.receipts import Receipt
from services.router.trial.trial import try_out
from services.router.trial.unsaved import Check, authorization_of
from services.runtime.auth import current_principal
from services.runtime.errors import BodyTooLarge
from services.runtime.logging import bind_request
from services.runtime.rpc import RpcContext
from services.runtime.secret_keys import secret


class RouterServicer(RouterServiceServicer):
    """See the proto."""

    def __init__(self, engine: Engine, check: Check, admission: Admission) -> None:
        """`check` says of custom models that are not kept what they would be."""
        self._engine = engine
        self._check = check
        self._admission = admission

    async def Complete(self, request: CompleteRequest, context: RpcContext) -> CompleteResponse:
        with self._admission:
            call = self._call(request.spec, context, stream=False)
            completed = await self._engine.complete(call)
            accumulator = Accumulator()
            accumulator.add_whole(completed.body)
            _trail(context, call, completed.receipt)
            return CompleteResponse(
                completion=accumulator.completion(call, completed.candidate, completed.facts, completed.receipt)
            )

    async def StreamComplete(
        self, request: StreamCompleteRequest, context: RpcContext
    ) -> AsyncIterator[StreamCompleteResponse]:
        with self._admission:
            call = self._call(request.spec, context, stream=True)
            accumulator = Accumulator()
            async with await self._engine.open(call) as streaming, aclosing(streaming.frames()) as frames:
                provider = streaming.candidate.provider
                yield StreamCompleteResponse(
                    started=StreamStarted(
                        request_id=call.id, model=call.plan.model, provider=provider.name, sandbox=provider.sandbox
                    )
                )
                async for batch in frames:
                    for frame in batch:
                        for delta in accumulator.add(frame.data) if frame.data else ():
                            yield StreamCompleteResponse(delta=delta)
            receipt = streaming.final_receipt()
            _trail(context, call, receipt)
            yield StreamCompleteResponse(
                completion=accumulator.completion(call, streaming.candidate, streaming.facts, receipt)
            )

    async def TestModel(self, request: TestModelRequest, context: RpcContext) -> TestModelResponse:
        with self._admission:
            began = time.monotonic()
            prompt = prompt_of(request)
            if request.HasField("custom_model"):
                call = await self._unsaved(request, prompt, context, began)
            else:
                call = self._begin(trial_request(request.model, prompt), context, began)
            return TestModelResponse(test=await try_out(self._engine, call, prompt))

    async def Embed(self, request: EmbedRequest, context: RpcContext) -> EmbedResponse:
        with self._admission:
            began = time.monotonic()
            _check_size(request.spec)
            call = self._begin(grpc_embeddings.to_request(request.spec), context, began)
            completed = await self._engine.complete(call)
            _trail(context, call, completed.receipt)
            return EmbedResponse(embeddings=grpc_embeddings.embeddings(completed, len(request.spec.texts)))

    def _call(self, spec: CompletionSpec, context: RpcContext, *, stream: bool) -> Call:
        began = time.monotonic()
        _check_size(spec)
        return self._begin(to_request(spec, stream=stream), context, began)

    async def _unsaved(self, request: TestModelRequest, prompt: str, context: RpcContext, began: float) -> Call:
        """A call of a custom model that is not kept."""
        if request.api_key:
            secret("api_key", request.api_key)
        model = await self._check(request.custom_model, authorization_of(context))
        asked = trial_request(model.model_id, prompt)
        call = self._engine.call_custom(asked, model, request.api_key, current_principal(), SURFACE_GRPC, began)
        return _bound(call, context)

    def _begin(self, request: ChatRequest, context: RpcContext, began: float) -> Call:
        return _bound(self._engine.call(request, current_principal(), SURFACE_GRPC, began), context)


def _bound(call: Call, context: RpcContext) -> Call:
    """The call, whose id its log lines and trailing metadata bear from here on."""
    bind_request(call.id)
    _trail(context, call)
    return call


def _check_size(spec: CompletionSpec | EmbeddingSpec) -> None:
    size = spec.ByteSize()
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(size, MAX_BODY_BYTES)


def _trail(context: RpcContext, call: Call, receipt: Receipt | None = None) -> None:
    """Sets the trailing metadata; set before the receipt is there, so that a failed call carries its id too."""
    trailing = [("pantheon-request-id", call.id), ("pantheon-model", call.plan.model)]
    if receipt is not None and receipt.amount:
        trailing.append(("pantheon-cost", receipt.amount))
    context.set_trailing_metadata(tuple(trailing))
