"""A provider that says whether it takes a key, and does nothing else."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.catalog.seed.rows import AuthStyle, SeedProvider, WireFormat
from services.catalog.seed_changes import Seed
from services.runtime.http import HttpServer
from tests.unit.catalog.samples import ANTHROPIC, LOCAL, OPENAI, OPENROUTER, SEED

Answer = tuple[int, bytes]

GOOD, BAD, FORBIDDEN = "sk-good-canary-0123456789", "sk-bad-canary-0123456789", "sk-forbidden-canary-0123456"
BUSY, LOST, EMPTY = "sk-busy-canary-0123456789", "sk-lost-canary-0123456789", "sk-empty-canary-012345678"
ENVIRONMENT_KEY = "sk-environment-canary-01234"
WORDS: Mapping[str, Answer] = {
    BAD: (401, b'{"error": {"message": "Incorrect API key provided: sk-bad-canary-0123456789"}}'),
    FORBIDDEN: (403, b"{}"),
    BUSY: (429, b"{}"),
    LOST: (500, b"{}"),
    EMPTY: (204, b""),
}
"""What is said to a key; to all others 200."""

GEMINI = SeedProvider(
    name="gemini",
    display_name="Gemini",
    base_url="https://generativelanguage.googleapis.com",
    wire_format=WireFormat.GEMINI,
    auth_style=AuthStyle.X_GOOG_API_KEY,
    key_variable="GEMINI_API_KEY",
    base_url_variable="GEMINI_BASE_URL",
    key_check_url="/v1beta/models",
)
UNASKED = msgspec.structs.replace(
    OPENAI, name="unasked", key_variable="UNASKED_API_KEY", base_url_variable="UNASKED_BASE_URL"
)
PROVIDERS = (
    msgspec.structs.replace(OPENAI, key_check_url="/models"),
    msgspec.structs.replace(OPENROUTER, key_check_url="/key"),
    msgspec.structs.replace(ANTHROPIC, key_check_url="/v1/models"),
    GEMINI,
    LOCAL,
    UNASKED,
)
JUDGED = Seed(PROVIDERS, SEED.models)


@dataclass
class Judge:
    """What came, and what is answered: by path, then by key."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=lambda: dict(WORDS))
    asked: list[Request] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Moves all providers there; no keys."""
        url = f"http://127.0.0.1:{self.port}"
        moved = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GEMINI_BASE_URL", "OPENROUTER_BASE_URL", "UNASKED_BASE_URL")
        return dict.fromkeys(moved, url)

    @property
    def with_a_key(self) -> dict[str, str]:
        """The same, and a key for OpenAI."""
        return {**self.environment, "OPENAI_API_KEY": ENVIRONMENT_KEY}

    async def serve(self, request: Request) -> Response:
        self.asked.append(request)
        headers = request.headers
        key = (
            headers.get("x-api-key")
            or headers.get("x-goog-api-key")
            or headers["authorization"].removeprefix("Bearer ")
        )
        status, body = self.answers.get(key, (200, b"{}"))
        return Response(body, status, {"set-cookie": "session=canary"}, media_type="application/json")


@asynccontextmanager
async def judging() -> AsyncIterator[Judge]:
    """Serves inside the block."""
    judge = Judge()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (await judge.serve(Request(scope, receive)))(scope, receive, send)

    server = HttpServer(app, "127.0.0.1", 0, name="provider")
    await server.start()
    judge.port = server.port
    try:
        yield judge
    finally:
        await server.stop(1)
