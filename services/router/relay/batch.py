"""The message on `pantheon.completions.v1.<spool>`; its contract is in pantheon/events/v1/completion.proto. Pure."""

from collections.abc import Sequence

# CompletionBatch.events: field 1, length-delimited.
_EVENTS_TAG = b"\x0a"


def encode_batch(payloads: Sequence[bytes]) -> bytes:
    """A serialised CompletionBatch of serialised CompletionEvents, none of which is parsed."""
    parts: list[bytes] = []
    for payload in payloads:
        parts += (_EVENTS_TAG, _varint(len(payload)), payload)
    return b"".join(parts)


def batch_headers(spool: str, first: int, last: int, again: str) -> dict[str, str]:
    """The headers of a batch.

    JetStream drops a message whose `Nats-Msg-Id` it has seen within two minutes, and acknowledges it all the same.
    That is wanted where an acknowledgement got lost on the way. Where a message was acknowledged and yet is not in
    the ledger, it is not: then `again`, different each time, is appended to the id, so that the message is stored
    whatever JetStream remembers. What is stored twice is one row in the ledger: its primary key is the event's id.
    """
    suffix = f":{again}" if again else ""
    return {
        "Pantheon-Spool": spool,
        "Pantheon-First": str(first),
        "Pantheon-Last": str(last),
        "Nats-Msg-Id": f"{spool}:{first}-{last}{suffix}",
    }


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
