"""Pieces of a stream as events."""

import pytest

from services.router.api.frames import event, on_one_line, written
from services.router.chat import Frame


@pytest.mark.parametrize(
    ("frame", "expected"),
    (
        (Frame(b"{}"), b"data: {}\n\n"),
        (Frame(b"{\n}"), b"data: {\ndata: }\n\n"),
        (Frame(b"{}", b"ping"), b"event: ping\ndata: {}\n\n"),
        (Frame(b"{}", id=b"7"), b"id: 7\ndata: {}\n\n"),
        (Frame(b"{\n}", b"ping", b"7"), b"event: ping\nid: 7\ndata: {\ndata: }\n\n"),
        (Frame(comment=b"processing"), b": processing\n\n"),
        (Frame(comment=b""), b": \n\n"),
    ),
)
def test_a_frame_is_written_with_all_that_came_with_it(frame: Frame, expected: bytes) -> None:
    assert written(frame) == expected


def test_an_event_of_our_own_has_a_name() -> None:
    assert event("error", on_one_line(b'{"a":\r\n1}')) == b'event: error\ndata: {"a":  1}\n\n'
