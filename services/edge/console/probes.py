"""Whether something answers, asked with a short deadline."""

import asyncio
from enum import StrEnum
from typing import Any

import grpc
import httpx2 as httpx
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

_PROBE_SECONDS = 1.0


class State(StrEnum):
    """What a probe found."""

    READY = "ready"
    NOT_READY = "not ready"
    UNREACHABLE = "unreachable"


async def probe_grpc(channel: grpc.aio.Channel) -> State:
    """By the standard health service (grpc.health.v1)."""
    stub: Any = HealthStub(channel)  # its methods are in no type stub
    try:
        answer = await stub.Check(HealthCheckRequest(), timeout=_PROBE_SECONDS)
    except grpc.aio.AioRpcError:
        return State.UNREACHABLE
    return State.READY if answer.status == HealthCheckResponse.SERVING else State.NOT_READY


async def probe_http(client: httpx.AsyncClient, url: str) -> State:
    """By GET: ready is whatever is not a failure of the server's own."""
    try:
        async with asyncio.timeout(_PROBE_SECONDS), client.stream("GET", url) as answer:
            return State.READY if answer.status_code < 500 else State.NOT_READY
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
        return State.UNREACHABLE
