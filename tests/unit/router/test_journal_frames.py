import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.journal.frames import MAGIC, MAX_PAYLOAD_BYTES, Damage, Frame, Kind, encode_frame, scan

Record = tuple[Kind, int, int, bytes]
numbers = st.integers(0, 2**40 - 1)
records = st.lists(st.tuples(st.sampled_from(Kind), numbers, numbers, st.binary(max_size=60)), max_size=8)


def segment(written: list[Record], size: int = 4096) -> bytes:
    return (MAGIC + b"".join(encode_frame(*record) for record in written)).ljust(size, b"\0")


def found(content: bytes) -> list[Record]:
    frames = [item for item in scan(content) if isinstance(item, Frame)]
    return [(Kind(frame.kind), frame.number, frame.start, frame.payload) for frame in frames]


@given(records)
def test_what_is_written_is_found(written: list[Record]) -> None:
    assert found(segment(written)) == written
    assert not [item for item in scan(segment(written)) if isinstance(item, Damage)]


@given(records.filter(bool))
def test_a_file_cut_off_anywhere_in_its_last_record_keeps_all_others(written: list[Record]) -> None:
    content = segment(written, 0)
    for end in range(len(segment(written[:-1], 0)), len(content)):
        assert found(content[:end]) == written[:-1]
        # Where only zeros are missing, nothing is.
        assert found(content[:end].ljust(4096, b"\0")) in (written[:-1], written)


@given(records.filter(bool), st.data())
def test_a_changed_byte_costs_one_record_and_is_reported(written: list[Record], data: st.DataObject) -> None:
    content = bytearray(segment(written))
    end = len(MAGIC) + sum(len(encode_frame(*record)) for record in written)
    place = data.draw(st.integers(len(MAGIC), end - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    left = found(bytes(content))
    assert len(left) == len(written) - 1
    assert all(record in written for record in left)
    assert len([item for item in scan(bytes(content)) if isinstance(item, Damage)]) == 1


def test_records_behind_a_hole_are_found_again() -> None:
    first, second = (Kind.START, 1, 0, b"first"), (Kind.FINISH, 3, 1, b"third")
    content = MAGIC + encode_frame(*first) + bytes(100) + encode_frame(*second) + bytes(100)
    assert found(content) == [first, second]
    hole = next(item for item in scan(content) if isinstance(item, Damage))
    assert hole.end - hole.offset == 100


def test_a_record_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{MAX_PAYLOAD_BYTES + 1} bytes; at most {MAX_PAYLOAD_BYTES}"):
        encode_frame(Kind.START, 1, 0, bytes(MAX_PAYLOAD_BYTES + 1))
