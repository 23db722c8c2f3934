"""How an answer or a refusal goes out to one client, byte by byte."""

import time

from starlette.types import Send

from services.sandbox import script
from services.sandbox.chat import Answer, ChatRequest
from services.sandbox.connection import Connection
from services.sandbox.errors import ApiError
from services.sandbox.faults import Directives
from services.sandbox.pace import Pace, Player
from services.sandbox.provider import Bill, Dialect, Headers, Reply
from services.sandbox.recorder import Outcome, RequestRecord
from services.sandbox.script import Ending, Script

_LONGEST_SILENCE_S = 900.0


class Delivery:
    """Writes to one client, noting in the record what it was told."""

    def __init__(self, dialect: Dialect, connection: Connection, send: Send, record: RequestRecord) -> None:
        self._dialect = dialect
        self._connection = connection
        self._send = send
        self._record = record
        self._started_at = time.monotonic()
        self._player: Player | None = None

    @property
    def seconds(self) -> float:
        """Time since the request's arrival."""
        return time.monotonic() - self._started_at

    def share_made(self, answer: Answer) -> float:
        """The part of the answer that was made so far: of a stream what was sent, of a body always all."""
        whole = answer.usage.completion_tokens / len(answer.choices)
        if self._player is None or not self._record.stream or whole == 0:
            return 1.0
        return min(1.0, self._player.tokens / whole)

    async def refuse(self, error: ApiError) -> Outcome:
        """Sends a refusal."""
        headers = self._dialect.error_headers(error, self.seconds)
        await self._send_body(error.status, headers, self._dialect.error_body(error))
        return Outcome.ABANDONED if self._connection.lost else Outcome.ANSWERED

    async def whole(
        self, request: ChatRequest, answer: Answer, bill: Bill | None, orders: Directives, pace: Pace
    ) -> Outcome:
        """Sends an answer in one piece, when all of it is made."""
        player = self._player = Player(self._connection, self._send, pace)
        if not await player.wait_for(answer.longest):
            return Outcome.ABANDONED
        body = self._dialect.body(request, answer, bill)
        headers = self._dialect.headers(request, answer, self.seconds)
        return await self._act(body, headers, bill, orders, player)

    async def reply(self, reply: Reply, orders: Directives) -> Outcome:
        """Sends at once what is no completion."""
        body, usage = (reply.bare, None) if orders.no_usage and reply.bare else (reply.body, reply.usage)
        if orders.empty and reply.empty:
            body = reply.empty
        bill = None if usage is None else Bill(usage)
        player = Player(self._connection, self._send, Pace.of(0, 0))
        return await self._act(body, self._dialect.reply_headers(self.seconds), bill, orders, player)

    async def stream(
        self, request: ChatRequest, answer: Answer, bill: Bill | None, orders: Directives, pace: Pace
    ) -> Outcome:
        """Sends an answer as events, each when it is made."""
        keepalive = self._dialect.keepalive
        player = self._player = Player(self._connection, self._send, pace, keepalive)
        frames = self._dialect.stream(request, answer, bill, done=not orders.no_done)
        acted = script.of_stream(frames, orders, self._dialect.error_frames(request, answer))
        if not keepalive and not await player.wait_for(frames[0].tokens):
            return Outcome.ABANDONED
        headers = self._dialect.headers(request, answer, self.seconds)
        await self._send_start(200, headers, self._dialect.stream_type)
        if keepalive:
            await self._send({"type": "http.response.body", "body": keepalive, "more_body": True})
        try:
            stayed = await player.play(acted)
        finally:
            self._record.events_sent = player.sent
            if any(frame.reports_usage for frame in acted.frames[: player.sent]):
                self._note_bill(bill)
        return await self._end(acted, player) if stayed else Outcome.ABANDONED

    async def _act(
        self, body: bytes, headers: Headers, bill: Bill | None, orders: Directives, player: Player
    ) -> Outcome:
        """Sends a body, or what ordered faults leave of it."""
        if orders.malformed:
            body, bill = script.malformed(body), None
        acted = script.of_body(body, orders)
        if acted.ending is Ending.COMPLETE:
            self._note_bill(bill)
            await self._send_body(200, headers, body)
            return Outcome.ABANDONED if self._connection.lost else Outcome.ANSWERED
        await self._send_start(200, headers, self._dialect.body_type, length=len(body))
        await player.play(acted, at_once=True)
        return await self._end(acted, player)

    async def _end(self, acted: Script, player: Player) -> Outcome:
        """What comes after the last frame."""
        if acted.ending is Ending.COMPLETE:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return Outcome.ABANDONED if self._connection.lost else Outcome.ANSWERED
        if acted.ending is Ending.SILENCE:
            await player.silence(_LONGEST_SILENCE_S)
        if self._connection.lost:
            return Outcome.ABANDONED
        if acted.ending is Ending.CLOSE:
            await self._connection.close()
        else:
            await self._connection.reset()
        return Outcome.CUT

    def _note_bill(self, bill: Bill | None) -> None:
        if bill is not None:
            self._record.usage, self._record.cost = bill.usage, bill.cost

    async def _send_body(self, status: int, headers: Headers, body: bytes) -> None:
        await self._send_start(status, headers, self._dialect.body_type, length=len(body))
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_start(
        self, status: int, headers: Headers, content_type: bytes, *, length: int | None = None
    ) -> None:
        self._record.status = status
        lead = [(b"content-type", content_type)]
        if length is not None:
            lead.append((b"content-length", b"%d" % length))
        await self._send({"type": "http.response.start", "status": status, "headers": [*lead, *headers]})
