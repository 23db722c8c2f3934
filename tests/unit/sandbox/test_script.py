import msgspec
import pytest

from services.sandbox import script
from services.sandbox.faults import NOTHING, Directives
from services.sandbox.script import Ending, Frame, Script

FRAMES = tuple(Frame(b'data: {"chunk": %d}\n\n' % number, 1.0) for number in range(6))
ERROR = (Frame(b'data: {"error": 1}\n\n'),)


def played(orders: Directives) -> tuple[bytes, Ending]:
    acted = script.of_stream(FRAMES, orders, ERROR)
    return b"".join(frame.payload for frame in acted.frames), acted.ending


def test_without_orders_a_stream_is_left_as_it_is() -> None:
    assert script.of_stream(FRAMES, NOTHING, ERROR) == Script(FRAMES)


@pytest.mark.parametrize(
    ("orders", "ending"),
    ((Directives(reset_after=2), Ending.RESET), (Directives(stall_after=2), Ending.SILENCE)),
)
def test_a_stream_ends_after_so_many_events(orders: Directives, ending: Ending) -> None:
    assert played(orders) == (FRAMES[0].payload + FRAMES[1].payload, ending)


def test_an_error_takes_the_place_of_the_rest() -> None:
    assert played(Directives(error_after=1)) == (FRAMES[0].payload + ERROR[0].payload, Ending.COMPLETE)


def test_a_truncated_stream_stops_within_an_event() -> None:
    sent, ending = played(Directives(truncate=True))

    assert ending is Ending.CLOSE
    assert not sent.endswith(b"\n\n")


def test_a_malformed_stream_has_one_event_that_is_no_json() -> None:
    sent, ending = played(Directives(malformed=True))

    events = sent.split(b"\n\n")[:-1]
    assert ending is Ending.COMPLETE
    assert len(events) == 6
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(events[3].removeprefix(b"data: "))


@pytest.mark.parametrize(
    ("orders", "ending"),
    (
        (Directives(reset_after=9), Ending.RESET),
        (Directives(stall_after=0), Ending.SILENCE),
        (Directives(truncate=True), Ending.CLOSE),
    ),
)
def test_a_body_is_struck_at_half(orders: Directives, ending: Ending) -> None:
    assert script.of_body(b"0123456789", orders) == Script((Frame(b"01234"),), ending)


def test_a_body_is_sent_whole_without_orders() -> None:
    assert script.of_body(b"0123456789", NOTHING) == Script((Frame(b"0123456789"),))
