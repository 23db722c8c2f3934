"""Content encodings (RFC 9110, section 8.4.1), undone piece by piece."""

import zlib

from services.router.upstream.exchange import Garbled

_MOST_PIECE = 1024 * 1024
_GZIP = zlib.MAX_WBITS + 16
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Unpacker:
    """Undoes gzip or deflate. No piece it returns is larger than 1 MiB, however well it was packed."""

    def __init__(self, encoding: str) -> None:
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            raise Garbled(f"content encoding {encoding[:50]!r}: only gzip and deflate were asked for")
        self._gzip = encoding != "deflate"
        self._stream: zlib._Decompress | None = None
        self._rest = b""
        self.pending = False
        """Whether `unpack` has more to return before it needs more."""

    def unpack(self, packed: bytes = b"") -> bytes:
        """The next piece; empty where it takes more to make one.

        Raises:
            Garbled: it is not packed as was said, or damaged.
        """
        packed = self._rest + packed
        if self._stream is None:
            if not packed:
                return b""
            self._stream = zlib.decompressobj(_GZIP if self._gzip else _deflate_form(packed[0]))
        stream = self._stream
        try:
            piece = stream.decompress(packed, _MOST_PIECE)
        except zlib.error as failure:
            raise Garbled(f"damaged content encoding: {failure}") from failure
        self._rest = stream.unconsumed_tail
        if stream.eof and self._gzip and stream.unused_data:
            # RFC 1952, section 2.2: one member may follow another.
            self._rest, self._stream = stream.unused_data, None
        # What fills a piece may have left some of it in zlib's window, with all input taken.
        self.pending = bool(self._rest) or len(piece) == _MOST_PIECE
        return piece

    def finish(self) -> None:
        """To be called at the end of the body.

        Raises:
            Garbled: its content is not at its end.
        """
        if self._stream is not None and not self._stream.eof:
            raise Garbled("the packed content breaks off")


def _deflate_form(first: int) -> int:
    """Deflate is to come in zlib's wrapping (RFC 1950: the low four bits are 8), yet some send it bare."""
    return _ZLIB if first & 0x0F == 8 else _RAW
