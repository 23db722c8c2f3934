import asyncio

import httpx2 as httpx
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.edge.middleware.faults import Faults, allow
from services.edge.rest.answers import error_answer
from services.runtime.errors import CallerGone


async def get(app: ASGIApp, *, seconds: float = 5.0) -> httpx.Response:
    guarded = Faults(app, lambda _, error: error_answer(error), seconds)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://edge") as client:
        return await client.get("/")


async def test_a_request_ends_at_its_deadline() -> None:
    ended = asyncio.Event()

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    answer = await get(hang, seconds=0.01)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "DEADLINE_PASSED")
    assert ended.is_set()


@pytest.mark.parametrize("fault", (KeyError("secret"), TimeoutError("secret")))
async def test_a_fault_is_answered_without_telling_what_it_was(fault: Exception) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise fault

    answer = await get(fail)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_FAULT")
    assert "secret" not in answer.text


async def test_a_fault_in_mid_answer_breaks_it_off() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("late")

    with pytest.raises(KeyError, match="late"):
        await get(fail)


async def test_what_takes_longer_can_be_given_longer() -> None:
    async def take_time(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        allow(request, 5.0)
        # Longer than it was given at first.
        await asyncio.wait_for(asyncio.Event().wait(), 0.05)

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(TimeoutError):
            await take_time(scope, receive, send)
        await error_answer(CallerGone())(scope, receive, send)

    assert (await get(told, seconds=0.01)).status_code == CallerGone.http_status


async def test_what_was_given_longer_ends_then() -> None:
    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        allow(Request(scope), 0.01)
        await asyncio.Event().wait()

    answer = await get(hang, seconds=600)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "DEADLINE_PASSED")
