import asyncio

import httpx2 as httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from services.edge.middleware.faults import Faults
from services.edge.rest.answers import error_answer


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
