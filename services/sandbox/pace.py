"""When each part of an answer leaves."""

import asyncio
import time

import msgspec
from starlette.types import Send

from services.sandbox.connection import Connection
from services.sandbox.script import Frame, Script

_KEEPALIVE_EVERY_S = 0.5
_BATCH = 64
"""Events written at once where no pace is set: enough to be quick, few enough to leave the loop to others."""


class Pace(msgspec.Struct, frozen=True):
    """Seconds before the first token and seconds for each token; 0 for at once."""

    first_token: float
    per_token: float

    @classmethod
    def of(cls, first_token_ms: float, tokens_per_second: float) -> "Pace":
        """The pace as people set it; 0 tokens a second stands for no limit."""
        return cls(first_token_ms / 1000, 1 / tokens_per_second if tokens_per_second else 0.0)

    def seconds(self, tokens: float) -> float:
        """Time until so many tokens are made."""
        return self.first_token + tokens * self.per_token


class Player:
    """Plays one script to one client; its time begins to run when it is made."""

    def __init__(self, connection: Connection, send: Send, pace: Pace, keepalive: bytes = b"") -> None:
        self._connection = connection
        self._send = send
        self._pace = pace
        self._started_at = time.monotonic()
        self._keepalive = keepalive
        self.sent = 0
        """Frames written."""
        self.tokens = 0.0
        """Tokens made for them."""

    async def wait_for(self, tokens: float) -> bool:
        """Waits in silence until so many tokens would have been made; False when the client left."""
        due = self._started_at + self._pace.seconds(tokens)
        while (rest := due - time.monotonic()) > 0:
            if not await self._connection.pause(rest):
                return False
        return not self._connection.lost

    async def play(self, script: Script, *, at_once: bool = False) -> bool:
        """Writes the frames when they are due, or all now; False when the client left. Does not end the message.

        Frames that are due together are written together.
        """
        tokens = 0.0
        batch: list[Frame] = []
        for frame in script.frames:
            tokens += frame.tokens
            due = 0.0 if at_once else self._started_at + self._pace.seconds(tokens)
            if len(batch) >= _BATCH or (batch and due > time.monotonic()):
                await self._write(batch)
                await asyncio.sleep(0)
            if not await self._wait_alive(due):
                return False
            batch.append(frame)
        await self._write(batch)
        return not self._connection.lost

    async def silence(self, seconds: float) -> None:
        """Sends nothing but keep-alives, until the client leaves, the server stops or the time is over."""
        due = time.monotonic() + seconds
        while (rest := due - time.monotonic()) > 0:
            if not await self._connection.hold(min(rest, _KEEPALIVE_EVERY_S) if self._keepalive else rest):
                return
            await self._write_keepalive()

    async def _wait_alive(self, due: float) -> bool:
        """Waits until then, with keep-alives; False when the client left."""
        while (rest := due - time.monotonic()) > 0:
            if not await self._connection.pause(min(rest, _KEEPALIVE_EVERY_S)):
                return False
            if rest > _KEEPALIVE_EVERY_S:
                await self._write_keepalive()
        return not self._connection.lost

    async def _write(self, batch: list[Frame]) -> None:
        if batch:
            payload = b"".join(frame.payload for frame in batch)
            await self._send({"type": "http.response.body", "body": payload, "more_body": True})
            self.sent += len(batch)
            self.tokens += sum(frame.tokens for frame in batch)
            batch.clear()

    async def _write_keepalive(self) -> None:
        if self._keepalive:
            await self._send({"type": "http.response.body", "body": self._keepalive, "more_body": True})
