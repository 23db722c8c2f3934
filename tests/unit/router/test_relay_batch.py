from hypothesis import given
from hypothesis import strategies as st

from pantheon.events.v1.completion_pb2 import CompletionBatch, CompletionEvent
from services.router.relay.batch import batch_headers, encode_batch
from tests.unit.router.journals import started

SPOOL = "0199aaaa-0000-7000-8000-000000000000"


@given(st.lists(st.integers(0, 3000), max_size=5))
def test_a_batch_is_what_protobuf_would_have_made(tag_sizes: list[int]) -> None:
    events = []
    for size in tag_sizes:
        event = CompletionEvent(started=started())
        event.started.attribution.tags["note"] = "x" * size
        events.append(event)
    encoded = encode_batch([event.SerializeToString(deterministic=True) for event in events])
    assert encoded == CompletionBatch(events=events).SerializeToString(deterministic=True)


def test_a_lost_record_is_an_empty_event() -> None:
    batch = CompletionBatch.FromString(encode_batch([b"", CompletionEvent(started=started()).SerializeToString()]))
    assert [event.WhichOneof("event") for event in batch.events] == [None, "started"]


def test_headers_name_the_range() -> None:
    assert batch_headers(SPOOL, 5, 17, "") == {
        "Pantheon-Spool": SPOOL,
        "Pantheon-First": "5",
        "Pantheon-Last": "17",
        "Nats-Msg-Id": f"{SPOOL}:5-17",
    }


def test_a_message_that_was_lost_after_its_acknowledgement_gets_another_id() -> None:
    assert batch_headers(SPOOL, 5, 17, "a1")["Nats-Msg-Id"] == f"{SPOOL}:5-17:a1"
