"""The answers of one connection, taken apart by llhttp (httptools)."""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from services.router.upstream.exchange import Exchange, Garbled

_MOST_WITHOUT_CONTENT = 64 * 1024
"""Bytes in a row that are no content: a head, interim answers, chunk extensions, trailers."""
_SWITCHING_PROTOCOLS = 101


class AnswerParser:
    """Fills one exchange after the other. The `on_...` methods are what llhttp finds."""

    def __init__(self) -> None:
        self.keep_alive = False
        """Whether the connection outlives the answer, by what its head says."""
        self._parser = HttpResponseParser(self)
        # As browsers do: bare LF, odd spaces, odd bytes in values. Nothing of it is passed on.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._exchange: Exchange | None = None
        self._headers: dict[bytes, bytes] = {}
        self._without_content = 0

    @property
    def idle_hint(self) -> float | None:
        """Seconds for which the provider said it would keep the connection: `Keep-Alive: timeout=5`."""
        hint = self._headers.get(b"keep-alive")
        if hint is None:
            return None
        seconds = hint.partition(b"timeout=")[2].partition(b",")[0].strip()
        return float(seconds) if seconds.isdigit() else None

    def expect(self, exchange: Exchange) -> None:
        """The next answer belongs to this exchange."""
        self._exchange = exchange
        self._headers = {}
        self._without_content = 0

    def feed(self, data: bytes) -> bool:
        """Reads on; says whether the answer is complete.

        Raises:
            Garbled: this is not HTTP/1.1, or is more than was asked for.
        """
        exchange = self._exchange
        if exchange is None:
            # Such as a 408 on an idle connection, which must not be taken for the answer to the next request.
            raise Garbled("more than was asked for")
        unread = exchange.size
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise Garbled(f"not HTTP/1.1: {error}") from error
        if exchange.size > unread:
            self._without_content = 0
        else:
            self._without_content += len(data)
            if self._without_content > _MOST_WITHOUT_CONTENT and not exchange.complete:
                raise Garbled(f"more than {_MOST_WITHOUT_CONTENT} bytes without content")
        return exchange.complete

    def end(self) -> bool:
        """The provider has closed: says whether that completes the answer, as it does where no length was stated."""
        exchange = self._exchange
        if exchange is None or not exchange.status or not _ends_with_connection(self._headers):
            return False
        self._finish(exchange)
        return True

    def on_message_begin(self) -> None:
        """The first byte of an answer, interim or final."""
        if self._exchange is None:
            raise Garbled("more than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody asked for."""
        if self._exchange is not None and not self._exchange.status:
            headers, name, value = self._headers, name.lower(), value.rstrip()
            headers[name] = headers[name] + b", " + value if name in headers else value

    def on_headers_complete(self) -> None:
        """The end of a head."""
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            raise Garbled("an upgrade that was not asked for")
        if status < 200:
            self._headers = {}
        elif self._exchange is not None:
            self.keep_alive = self._parser.should_keep_alive()
            self._exchange.begin(status, self._headers)

    def on_body(self, piece: bytes) -> None:
        """A piece of content."""
        if self._exchange is not None:
            self._exchange.feed(piece)

    def on_message_complete(self) -> None:
        """The end of an answer, interim or final."""
        if self._exchange is not None and self._exchange.status:
            self._finish(self._exchange)

    def _finish(self, exchange: Exchange) -> None:
        self._exchange = None
        exchange.finish()


def _ends_with_connection(headers: dict[bytes, bytes]) -> bool:
    """RFC 9112, section 6.3, rules 4 and 8."""
    coding = headers.get(b"transfer-encoding")
    return b"content-length" not in headers if coding is None else not coding.lower().endswith(b"chunked")
