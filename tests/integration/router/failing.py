"""Requests that are to fail, over both surfaces, and what they fail with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from pantheon.router.v1.completion_pb2 import CompletionSpec, RoutingPreferences
from services.runtime.status import DETAILS_KEY
from tests.integration.router.running import RunningRouter, spec

SURFACES = ("http", "http stream", "grpc", "grpc stream")
WHOLE, STREAMS = ("http", "grpc"), ("http stream", "grpc stream")


@dataclass(frozen=True)
class Failed:
    """How a request failed. `status` is the HTTP status or the name of the gRPC code."""

    status: int | str
    reason: str
    message: str
    metadata: dict[str, str]
    request_id: str = ""


async def fails(router: RunningRouter, surface: str, model: str = "gpt-4", *, fallback: bool = False) -> Failed:
    """Sends a request that fails before anything of an answer has come."""
    if surface.startswith("http"):
        headers = {} if fallback else {"x-pantheon-fallback": "false"}
        return await fails_over_http(router, {"stream": True} if "stream" in surface else {}, headers, model)
    wanted = spec(model, routing=RoutingPreferences(no_fallback=not fallback))
    return await fails_over_grpc(router, wanted, stream="stream" in surface)


async def fails_over_http(
    router: RunningRouter, members: dict[str, Any], headers: dict[str, str], model: str = "gpt-4"
) -> Failed:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **members}
    answer = await router.http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code >= 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    detail = answer.json()["error"]
    return Failed(
        answer.status_code,
        answer.headers["x-pantheon-reason"],
        detail["message"],
        detail.get("metadata") or {},
        answer.headers.get("x-request-id", ""),
    )


async def fails_over_grpc(router: RunningRouter, wanted: CompletionSpec, *, stream: bool) -> Failed:
    try:
        if stream:
            events = [event async for event in router.stream_complete(wanted)]
            raise AssertionError(f"it did not fail: {events[-1]}")
        await router.complete(wanted)
    except grpc.aio.AioRpcError as failure:
        return failed(failure)
    raise AssertionError("it did not fail")


def failed(failure: grpc.aio.AioRpcError) -> Failed:
    """The status of a call and the one ErrorInfo in its details."""
    trailing: Sequence[tuple[str, str | bytes]] = tuple(failure.trailing_metadata() or ())
    found = dict(trailing)
    details = found[DETAILS_KEY]
    assert isinstance(details, bytes)
    (packed,) = Status.FromString(details).details
    info = ErrorInfo()
    assert packed.Unpack(info)
    assert info.domain == "pantheon"
    request_id = str(found.get("pantheon-request-id", ""))
    return Failed(failure.code().name, info.reason, failure.details() or "", dict(info.metadata), request_id)
