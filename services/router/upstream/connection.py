"""One connection to a provider, one exchange at a time: bytes out, bytes in, and no wait without an end."""

import asyncio
import select
from collections.abc import Callable
from typing import cast

from services.router.upstream.exchange import Exchange, Garbled
from services.router.upstream.parsing import AnswerParser

_MOST_UNREAD = 256 * 1024
_ONE_WRITE = 128 * 1024
_SLICE = 256 * 1024
_LINGER_SECONDS = 1.0


class Connection(asyncio.Protocol):
    """Calls `kept` when it can take another request, and `lost` when it is gone.

    `read_seconds` bounds the wait for the status line and between two reads, not the time that the reader takes. One
    timer sees to it, which does not move with every read but looks, when it is due, when the last one was.
    """

    def __init__(
        self, read_seconds: float, kept: Callable[["Connection"], None], lost: Callable[["Connection"], None]
    ) -> None:
        self.idle_until = 0.0
        """Loop time after which it is not to be used again; for the pool."""
        self._read_seconds = read_seconds
        self._on_kept = kept
        self._on_lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._arrived = select.poll()
        self._parser = AnswerParser()
        self._exchange: Exchange | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._unsent = memoryview(b"")
        self._write_paused = False
        self._read_paused = False
        self._lingering: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Whether a request may be sent: the provider has neither closed nor said anything since its last answer.

        Asks the kernel, for what has arrived may not have been read yet.
        """
        return not self.closing and not self._arrived.poll(0)

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    @property
    def idle_hint(self) -> float | None:
        """Seconds for which the provider said it would keep the connection."""
        return self._parser.idle_hint

    async def ask(self, head: bytes, body: bytes) -> Exchange:
        """Sends a request and waits for the head of its answer.

        Raises:
            OSError: it did not come (TimeoutError: in time). The request may have been received all the same.
        """
        exchange = self._exchange = Exchange(self, self._loop)
        self._parser.expect(exchange)
        self._heard = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._read_seconds, self._look)
        try:
            if len(body) <= _ONE_WRITE:
                self._transport.write(head + body)
            else:
                self._transport.write(head)
                self._unsent = memoryview(body)
                self._write_on()
            await exchange.head()
        except BaseException:
            exchange.abandon()
            raise
        return exchange

    # --- what an exchange asks for: `exchange.Line` ---

    def resume(self) -> None:
        """Reads on."""
        if self._read_paused:
            self._read_paused = False
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def abort(self) -> None:
        """Closes at once."""
        self._break_off(ConnectionAbortedError("closed by the router"))

    def linger(self) -> None:
        """Closes in a second, unless the answer has ended by then."""
        if self._lingering is None:
            self._lingering = self._loop.call_later(_LINGER_SECONDS, self.abort)
            self.resume()

    # --- what the event loop reports: `asyncio.Protocol` ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        self._arrived.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever closed it."""
        for timer in (self._timer, self._lingering):
            if timer is not None:
                timer.cancel()
        self._unsent = memoryview(b"")
        if self._exchange is not None:
            self._exchange.fail(exc if isinstance(exc, OSError) else ConnectionResetError("closed by the provider"))
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._heard = self._loop.time()
        try:
            complete = self._parser.feed(data)
        except Garbled as failure:
            self._break_off(failure)
            return
        if complete:
            self._end_exchange()
        elif self._exchange is not None and self._exchange.size > _MOST_UNREAD:
            self._hold_back()

    def eof_received(self) -> None:
        """The provider has closed its side. The event loop then closes ours."""
        if self._parser.end():
            self._exchange = None

    def pause_writing(self) -> None:
        """The transport has enough to send."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The transport has sent most of it."""
        self._write_paused = False
        self._heard = self._loop.time()
        self._write_on()

    def _write_on(self) -> None:
        while self._unsent and not self._write_paused and not self._transport.is_closing():
            piece, self._unsent = self._unsent[:_SLICE], self._unsent[_SLICE:]
            self._transport.write(piece)

    def _hold_back(self) -> None:
        """The reader is slower than the provider, or has stopped reading for good."""
        if self._lingering is not None:
            self.abort()
        elif not self._read_paused:
            self._read_paused = True
            self._transport.pause_reading()

    def _look(self) -> None:
        """Times the exchange out, or looks again when it would be due."""
        self._timer = None
        if self._exchange is None:
            return
        now = self._loop.time()
        due = (now if self._read_paused else self._heard) + self._read_seconds
        if due > now:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._break_off(TimeoutError("the provider is silent"))

    def _end_exchange(self) -> None:
        """The answer is complete. The connection can be kept if both sides have said all they had to say."""
        self._exchange = None
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        unsent = self._unsent or self._transport.get_write_buffer_size()
        if unsent or self._read_paused or not self._parser.keep_alive:
            self._transport.abort()
        else:
            self._on_kept(self)

    def _break_off(self, failure: OSError) -> None:
        if self._exchange is not None:
            self._exchange.fail(failure)
        self._transport.abort()
