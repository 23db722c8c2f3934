"""Completions as the guide's readers make them, and what can be seen of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2 as httpx

from tests.fixtures.eventually import eventually

QUESTION = "Hello there, how are you today?"


async def ask(chats: httpx.AsyncClient, model: str, content: Any = QUESTION, **parameters: Any) -> httpx.Response:
    """The answer to one question, whatever it is; members that begin with `x_pantheon` become headers."""
    headers = {name.replace("_", "-"): value for name, value in parameters.items() if name.startswith("x_")}
    members = {name: value for name, value in parameters.items() if name.replace("_", "-") not in headers}
    body = {"model": model, "messages": [{"role": "user", "content": content}], **members}
    return await chats.post("/chat/completions", json=body, headers=headers)


async def completed(chats: httpx.AsyncClient, model: str, content: Any = QUESTION, **parameters: Any) -> httpx.Response:
    """The same where it has to succeed. Raises AssertionError."""
    answer = await ask(chats, model, content, **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"]
    return answer


async def refusal(chats: httpx.AsyncClient, model: str, **parameters: Any) -> dict[str, Any]:
    """What is said where it must not succeed. Raises AssertionError."""
    answer = await ask(chats, model, **parameters)
    assert answer.status_code in (400, 404), answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


async def once_it_is(
    asking: Callable[[], Awaitable[httpx.Response]], seen: Callable[[httpx.Response], bool]
) -> httpx.Response:
    """Asks until the router knows what was just set: it is told within a second. Returns the first such answer."""

    async def answered() -> httpx.Response | None:
        answer = await asking()
        return answer if seen(answer) else None

    found = await eventually(answered, interval=0.1)
    assert found is not None
    return found


def routed(answer: httpx.Response) -> tuple[str, str]:
    """The model and the provider that answered."""
    return answer.headers["x-pantheon-model"], answer.headers["x-pantheon-provider"]


def completion_tokens(answer: httpx.Response) -> int:
    """How many tokens were generated."""
    tokens: int = answer.json()["usage"]["completion_tokens"]
    return tokens


def finish_reason(answer: httpx.Response) -> str:
    """Why it ended."""
    reason: str = answer.json()["choices"][0]["finish_reason"]
    return reason
