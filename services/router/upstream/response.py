"""One answer, as the engine reads it: whole, or as events."""

from collections.abc import AsyncIterator, Mapping

from services.router.sse import Event, SseReader
from services.router.upstream.echoes import body_without, events_without, spellings
from services.router.upstream.encoding import Unpacker
from services.router.upstream.exchange import Exchange
from services.runtime.errors import ProviderBroken, ProviderError, ProviderTimeout

_MOST_BODY = 64 * 1024 * 1024


class Response:
    """One answer. Closing it before its end closes the connection, which cancels the provider's work."""

    __slots__ = ("_encoding", "_exchange", "_hidden", "_reader", "_released", "_unpacker", "status")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status = exchange.status
        encoding = exchange.headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
        self._encoding = "" if encoding == "identity" else encoding
        self._unpacker: Unpacker | None = None
        self._reader: SseReader | None = None
        self._released = False
        self._hidden: tuple[bytes, ...] = ()

    def __del__(self) -> None:
        """An answer that nobody holds any more is not wanted."""
        if not self._released:
            self._exchange.abandon_from_anywhere()

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case; the values of a repeated one are joined by commas."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._exchange.headers.items()}

    @property
    def has_come(self) -> bool:
        """Whether all of it is here: reading it does not wait."""
        return self._exchange.complete

    def hide(self, secret: str) -> None:
        """Has nothing that is read from here on contain the key that the provider was shown."""
        self._hidden = spellings(secret)

    async def read(self) -> bytes:
        """The whole body. Closes the connection if it is cancelled.

        Raises:
            ProviderTimeout, ProviderBroken: it did not come whole.
        """
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := await self._next():
                pieces.append(piece)
                size += len(piece)
                if size > _MOST_BODY:
                    raise ProviderBroken(f"The answer exceeds {_MOST_BODY} bytes", phase="body")
        except OSError as failure:
            self.close()
            raise _error(failure, "answer", "body") from failure
        except BaseException:
            self.close()
            raise
        return body_without(self._hidden, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    async def events(self) -> AsyncIterator[list[Event]]:
        """The events of a stream, in the batches they come in. May be left and taken up again where it was left.

        Raises:
            ProviderTimeout, ProviderBroken: the connection stalled or broke.
        """
        reader = self._reader = self._reader or SseReader()
        try:
            while piece := await self._next():
                events = reader.feed(piece)
                if events:
                    yield events_without(self._hidden, events)
        except OSError as failure:
            raise _error(failure, "stream", "stream") from failure
        events = reader.finish()
        if events:
            yield events_without(self._hidden, events)

    def close(self) -> None:
        """Closes the connection, unless the answer is at its end: then it has been given back already."""
        self._exchange.abandon()

    def release(self) -> None:
        """To be called instead of `close` when all that was wanted has come, as with the last event of a stream.

        The end of the answer, often a packet of its own, then has a second to come, so that the connection is kept.
        """
        self._released = True
        self._exchange.let_end()

    async def _next(self) -> bytes:
        """The next piece of the body, unpacked; empty at its end. Raises OSError."""
        if not self._encoding:
            return await self._exchange.piece()
        while True:
            if self._unpacker is not None and self._unpacker.pending:
                piece = self._unpacker.unpack()
            elif packed := await self._exchange.piece():
                self._unpacker = self._unpacker or Unpacker(self._encoding)
                piece = self._unpacker.unpack(packed)
            else:
                if self._unpacker is not None:
                    self._unpacker.finish()
                return b""
            if piece:
                return piece


def _error(failure: OSError, what: str, phase: str) -> ProviderError:
    if isinstance(failure, TimeoutError):
        return ProviderTimeout(f"The provider stopped in mid-{what}", phase=phase)
    return ProviderBroken(f"The provider broke off in mid-{what}", phase=phase)
