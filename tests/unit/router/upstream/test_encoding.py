import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.upstream.encoding import Unpacker
from services.router.upstream.exchange import Garbled

TEXT = b"".join(b"%d green bottles, " % number for number in range(500))


def raw(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def unpack(unpacker: Unpacker, *pieces: bytes) -> list[bytes]:
    """As a response does it: what is pending first, then the next piece."""
    found = []
    for piece in pieces:
        found.append(unpacker.unpack(piece))
        while unpacker.pending:
            found.append(unpacker.unpack())
    return found


PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "gzip in members": gzip.compress(TEXT[:100]) + gzip.compress(b"") + gzip.compress(TEXT[100:]),
    "deflate": zlib.compress(TEXT),
    "deflate, raw": raw(TEXT),
}


@pytest.mark.parametrize("form", PACKED)
def test_content_is_unpacked_wherever_it_is_cut(form: str) -> None:
    packed = PACKED[form]
    for cut in range(len(packed) + 1):
        unpacker = Unpacker(form.split(" ", maxsplit=1)[0].rstrip(","))
        assert b"".join(unpack(unpacker, packed[:cut], packed[cut:])) == TEXT
        unpacker.finish()


@pytest.mark.parametrize("form", PACKED)
def test_content_is_unpacked_byte_by_byte(form: str) -> None:
    unpacker = Unpacker(form.split(" ", maxsplit=1)[0].rstrip(","))
    packed = PACKED[form]
    assert b"".join(unpack(unpacker, *(packed[at : at + 1] for at in range(len(packed))))) == TEXT
    unpacker.finish()


@given(st.binary(max_size=2_000), st.lists(st.integers(0, 2_000), max_size=5))
def test_any_content_comes_back(content: bytes, cuts: list[int]) -> None:
    packed = gzip.compress(content)
    edges = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    unpacker = Unpacker("gzip")
    pieces = (packed[start:end] for start, end in pairwise(edges))
    assert b"".join(unpack(unpacker, *pieces)) == content
    unpacker.finish()


@given(st.binary(min_size=1, max_size=200))
def test_bytes_at_random_are_refused_or_unfinished(content: bytes) -> None:
    unpacker = Unpacker("gzip")
    with pytest.raises(Garbled):  # noqa: PT012 - either may find it out
        unpack(unpacker, content)
        unpacker.finish()


def test_no_piece_is_large_however_well_it_was_packed() -> None:
    pieces = unpack(Unpacker("gzip"), gzip.compress(bytes(10_000_000)))
    assert sum(map(len, pieces)) == 10_000_000
    assert max(map(len, pieces)) <= 1024 * 1024


def test_a_flushed_part_comes_before_the_end() -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS + 16)
    unpacker = Unpacker("gzip")
    assert unpacker.unpack(packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)) == b"one"
    with pytest.raises(Garbled):
        unpacker.finish()
    assert unpacker.unpack(packer.compress(b"two") + packer.flush()) == b"two"
    unpacker.finish()


def test_nothing_at_all_is_a_whole_body() -> None:
    Unpacker("gzip").finish()


@pytest.mark.parametrize("encoding", ("br", "zstd", "gzip, deflate", "chunked"))
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(Garbled, match=encoding):
        Unpacker(encoding)
