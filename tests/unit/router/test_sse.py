"""The event stream reader against the algorithm of the WHATWG HTML standard, written out plainly."""

import time
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.sse import Event, SseReader
from services.runtime.errors import ProviderBroken


def read(*chunks: bytes) -> list[Event]:
    reader = SseReader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.finish()


def events_of(stream: bytes, cuts: Iterable[int]) -> list[Event]:
    """Without bare JSON, of which the standard knows nothing."""
    return [event for event in read(*pieces(stream, cuts)) if not event.bare]


def reference(stream: bytes) -> list[Event]:
    """ "Interpreting an event stream", step by step. Two things are otherwise: comments, which it ignores, are events
    here; and an id is that of the event it stands with, not of all that follow.
    """
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    lines.pop()  # without a line end it is no line
    events: list[Event] = []
    data, name, number = b"", b"", b""
    for line in lines:
        if line == b"":
            if data != b"":
                events.append(Event(data.removesuffix(b"\n"), name, number))
            data, name, number = b"", b"", b""
        elif line.startswith(b":"):
            events.append(Event(comment=line[1:].strip()))
        else:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data += value + b"\n"
            elif field == b"event":
                name = value
            elif field == b"id":
                number = b"" if b"\0" in value else value
    return events


def pieces(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


LINES = st.sampled_from((
    b"data: {}", b"data:{}", b"data:  two spaces", b"data", b"data:", b"data: a:b", b": comment", b":", b"event: error",
    b"event", b"id: 1", b"id: a\0b", b"id",
    b"retry: 10", b"unknown: x", b"", b"", b"data: \xc3\xa9", b" data: no field", b"\xef\xbb\xbf",
))  # fmt: skip
LINE_ENDS = st.sampled_from((b"\n", b"\r\n", b"\r"))
STREAMS = st.builds(
    lambda mark, lines, rest: mark + b"".join(line + end for line, end in lines) + rest,
    st.sampled_from((b"", b"", b"\xef\xbb\xbf")),
    st.lists(st.tuples(LINES, LINE_ENDS), max_size=12),
    st.sampled_from((b"", b"data: cut off", b"\r", b"\n", b"\xef\xbb")),
)


@given(STREAMS, st.lists(st.integers(min_value=0), max_size=30))
def test_it_reads_as_the_standard_says_however_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    assert read(*pieces(stream, cuts)) == reference(stream)


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=30))
def test_it_reads_any_bytes_as_the_standard_says(stream: bytes, cuts: list[int]) -> None:
    assert events_of(stream, cuts) == reference(stream)


@given(STREAMS)
def test_it_reads_byte_by_byte(stream: bytes) -> None:
    assert read(*(stream[place : place + 1] for place in range(len(stream)))) == reference(stream)


@pytest.mark.parametrize("end", (b"\n", b"\r\n", b"\r"))
def test_each_line_end_ends_a_line(end: bytes) -> None:
    stream = end.join((b"event: error", b"data: one", b"data: two", b"", b"data: three", b"", b""))
    assert read(stream) == [Event(b"one\ntwo", b"error"), Event(b"three")]


def test_an_event_is_there_as_soon_as_its_empty_line_is() -> None:
    reader = SseReader()
    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\n") == [Event(b"a")]
    assert reader.feed(b"data: b\r\n\r\n") == [Event(b"b")]


def test_what_the_end_of_the_stream_cuts_off_is_discarded() -> None:
    assert read(b"data: whole\n\ndata: no empty line follows\n") == [Event(b"whole")]
    assert read(b"data: whole\n\ndata: not even the li") == [Event(b"whole")]


def test_a_carriage_return_at_the_very_end_counts() -> None:
    assert read(b"data: a\r\r") == [Event(b"a")]
    assert read(b"data: a\r") == []


def test_a_byte_order_mark_is_skipped_though_it_be_cut_and_only_at_the_start() -> None:
    assert read(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == [Event(b"a")]
    assert read(b"\xef\xbbdata: a\n\n") == []
    assert read(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == [Event(b"a")]


def test_one_leading_space_is_no_part_of_a_value() -> None:
    assert read(b"data:a\n\ndata: a\n\ndata:  a\n\n") == [Event(b"a"), Event(b"a"), Event(b" a")]


def test_data_without_a_colon_is_empty_data() -> None:
    assert read(b"data\n\n") == [Event(b"")]
    assert read(b"data\ndata\n\n") == [Event(b"\n")]
    assert read(b"datum: x\n\n") == []


def test_comments_stand_between_events_and_inside_them() -> None:
    stream = b": OPENROUTER PROCESSING\n\ndata: a\n:\ndata: b\n\n"
    assert read(stream) == [Event(comment=b"OPENROUTER PROCESSING"), Event(comment=b""), Event(b"a\nb")]


def test_the_name_of_an_event_is_not_that_of_the_next() -> None:
    assert read(b"event: error\ndata: a\n\ndata: b\n\n") == [Event(b"a", b"error"), Event(b"b")]
    assert read(b"event: error\n\ndata: b\n\n") == [Event(b"b")]


MOST_SECONDS = 2.0
"""Far more than it takes; reading again what has been read would take far longer."""
MEBIBYTE = bytes(1024 * 1024)


def test_a_line_without_an_end_is_not_gathered_for_ever() -> None:
    with pytest.raises(ProviderBroken, match="exceeds 16777216 bytes") as caught:
        read(*[MEBIBYTE] * 18)
    assert caught.value.metadata["phase"] == "stream"


def test_an_event_without_an_end_is_not_gathered_for_ever() -> None:
    with pytest.raises(ProviderBroken, match="exceeds 16777216 bytes"):
        read(*[b"data: " + MEBIBYTE + b"\n"] * 18)


def test_many_events_may_together_exceed_what_one_may_not() -> None:
    reader = SseReader()
    for _ in range(40):
        assert len(reader.feed(b"data: a\ndata: " + MEBIBYTE + b"\n\n")) == 1


def test_a_long_line_costs_no_more_than_its_bytes_in_however_many_pieces_it_comes() -> None:
    began = time.process_time()
    (event,) = read(b"data: ", *[b"x" * 4096] * 3840, b"\n\n")
    assert len(event.data) == 15 * len(MEBIBYTE)
    assert time.process_time() - began < MOST_SECONDS


def test_bare_json_whose_text_never_ends_costs_no_more_than_its_bytes() -> None:
    began = time.process_time()
    assert read(b'{"' + b'\\"' * len(MEBIBYTE) + b"\n") == []
    assert time.process_time() - began < MOST_SECONDS


def test_json_that_stands_bare_between_events_is_told_apart() -> None:
    stream = b'data: a\n\n{\n  "error": {"message": "brace } and \\" quote"}\n}\n\ndata: b\n\n'
    bare = b'{\n  "error": {"message": "brace } and \\" quote"}\n}'
    assert read(stream) == [Event(b"a"), Event(bare=bare), Event(b"b")]


@pytest.mark.parametrize("end", (b"\n", b"\r\n", b""))
def test_a_list_in_place_of_a_stream_is_read_object_by_object(end: bytes) -> None:
    stream = b'[{"a": [1, {"b": 2}]}' + end + b"," + end + b'{"c": "]"}' + end + b"]" + end
    assert read(stream) == [Event(bare=b'{"a": [1, {"b": 2}]}'), Event(bare=b'{"c": "]"}')]


def test_a_list_spread_over_lines_is_read_byte_by_byte() -> None:
    stream = b'[{\r\n  "a": 1\r\n}\r\n,\r\n{\r\n  "b": 2\r\n}\r\n]\r\n'
    parts = [stream[place : place + 1] for place in range(len(stream))]
    assert read(*parts) == [Event(bare=b'{\n  "a": 1\n}'), Event(bare=b'{\n  "b": 2\n}')]


def test_bare_json_that_the_end_cuts_off_is_discarded() -> None:
    assert read(b'{"a": 1, "b') == []
    assert read(b'[{"a": 1},\n{"b"') == [Event(bare=b'{"a": 1}')]


def test_bare_json_beyond_16_mib_is_an_error() -> None:
    reader = SseReader()
    line = b'"' + b"x" * 1024 * 1024 + b'",\n'
    reader.feed(b"[{\n")
    with pytest.raises(ProviderBroken):
        reader.feed(line * 17)


@given(STREAMS, st.sampled_from((b"{", b'{"a":1}\n', b"[\n", b"}")), st.lists(st.integers(min_value=0), max_size=30))
def test_bare_json_changes_no_event(stream: bytes, bare: bytes, cuts: list[int]) -> None:
    assert events_of(bare + stream, cuts) == reference(bare + stream)
