from datetime import timedelta

import pytest

from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, LEDGER_STATE_SETTLED
from services.runtime.ids import uuid7
from services.usage.batch import Batch, SpoolRange, read
from services.usage.events import Bounds
from tests.fixtures.completion_events import Message, Traffic, message

SPOOL = uuid7()
BOUNDS = Bounds.now(timedelta(days=100))


def gathered(*messages: Message) -> Batch:
    batch = Batch()
    for one in messages:
        batch.add(read(one.headers, one.payload), BOUNDS)
    return batch


def test_the_headers_number_the_events() -> None:
    traffic = Traffic()
    events = [event for _ in range(3) for event in traffic.attempt()]
    batch = gathered(message(SPOOL, 41, events))
    assert (batch.size, batch.ranges, batch.spools()) == (6, [SpoolRange(SPOOL, 41, 46)], [SPOOL])
    assert sorted(start.arrival.number for start in batch.starts.values()) == [41, 43, 45]
    assert sorted(arrival.number for _, arrival in batch.finishes.values()) == [42, 44, 46]
    assert batch.letters == []


@pytest.mark.parametrize(
    ("header", "value"),
    (
        ("Pantheon-Spool", "spool-1"),
        ("Pantheon-Spool", None),
        ("Pantheon-First", "0"),
        ("Pantheon-First", "one"),
        ("Pantheon-First", "3"),
        ("Pantheon-Last", "-1"),
        ("Pantheon-Last", str(2**63)),
    ),
)
def test_a_message_whose_headers_name_no_range_is_a_dead_letter_without_one(header: str, value: str | None) -> None:
    good = message(SPOOL, 1, Traffic().attempt())
    headers = {**good.headers, header: value or ""}
    if value is None:
        del headers[header]
    delivery = read(headers, good.payload)
    assert (delivery.range, delivery.events) == (None, ())
    assert delivery.letter is not None
    assert delivery.letter.payload == good.payload


def test_a_message_without_headers_is_a_dead_letter() -> None:
    delivery = read(None, b"")
    assert delivery.letter is not None
    assert delivery.letter.reason == "headers: Pantheon-Spool is missing"


@pytest.mark.parametrize("last", (3, 5))
def test_a_message_of_more_or_fewer_events_than_its_headers_say_is_received_as_a_dead_letter(last: int) -> None:
    good = message(SPOOL, 1, [event for _ in range(2) for event in Traffic().attempt()])
    headers = {**good.headers, "Pantheon-Last": str(last)}
    batch = gathered(Message(good.subject, headers, good.payload))
    assert (batch.ranges, batch.starts, batch.finishes) == ([SpoolRange(SPOOL, 1, last)], {}, {})
    (letter,) = batch.letters
    assert (letter.spool, letter.number, letter.payload) == (SPOOL, 1, good.payload)
    assert letter.reason == f"headers name records 1 to {last}, the message holds 4"


def test_the_same_letter_is_known_by_its_digest() -> None:
    poison = CompletionEvent()
    (first,), (again,), (other,) = (gathered(message(SPOOL, number, [poison])).letters for number in (7, 7, 8))
    assert first.digest == again.digest
    assert first.digest != other.digest


@pytest.mark.parametrize("truth_first", (True, False))
def test_of_an_estimate_and_the_truth_only_the_truth_is_kept(truth_first: bool) -> None:
    truth = Traffic().finished()
    truth.state = LEDGER_STATE_SETTLED
    estimate = type(truth)()
    estimate.CopyFrom(truth)
    estimate.state = LEDGER_STATE_ESTIMATED
    events = [truth, estimate] if truth_first else [estimate, truth]
    batch = gathered(message(SPOOL, 1, [CompletionEvent(finished=event) for event in events]))
    ((entry, _),) = batch.finishes.values()
    assert entry.ending.state == LEDGER_STATE_SETTLED
