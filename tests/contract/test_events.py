"""Each event has examples in golden/: `<Event>.json`, and `<Event>.<case>.json` for what one example can't show."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract.declared import choice_of, event_messages, held_by, reachable
from tests.contract.listing import GOLDEN

MESSAGES = {message.name: message for message in event_messages()}
EXAMPLES = sorted(GOLDEN.glob("*.json"))

NOT_EVENTS = {
    "Change": "carries one of the events of auth and catalog",
    "CompletionBatch": "carries records of a spool",
    "CompletionEvent": "carries one of the records of a spool",
    "RevisionBeat": "a sign of life: nothing happened",
}
CHOICES = [
    pytest.param(envelope, field, event, id=f"{envelope.name}.{field.name}")
    for envelope in MESSAGES.values()
    for field in envelope.fields
    if choice_of(field) and (event := held_by(field))
]


@cache
def parsed(path: Path) -> Message:
    message = GetMessageClass(MESSAGES[path.name.partition(".")[0]])()
    return json_format.Parse(path.read_text(encoding="utf-8"), message)


def example_of(message: Descriptor) -> Message:
    return parsed(GOLDEN / f"{message.name}.json")


def test_every_event_has_an_example_and_every_example_an_event() -> None:
    assert {path.name.partition(".")[0] for path in EXAMPLES} == set(MESSAGES)
    assert all((GOLDEN / f"{name}.json").exists() for name in MESSAGES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_the_canonical_json_of_its_event(path: Path) -> None:
    assert json_format.MessageToDict(parsed(path)) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_the_wire(path: Path) -> None:
    message = parsed(path)

    assert type(message).FromString(message.SerializeToString()) == message


@pytest.mark.parametrize("name", MESSAGES)
def test_the_examples_of_an_event_show_all_its_fields(name: str) -> None:
    shown = {field for path in EXAMPLES if path.name.partition(".")[0] == name for field in shown_by(parsed(path))}

    assert sorted(set(declared_by(MESSAGES[name])) - shown) == []


@pytest.mark.parametrize(("envelope", "field", "event"), CHOICES)
def test_every_event_travels_in_its_envelope(envelope: Descriptor, field: FieldDescriptor, event: Descriptor) -> None:
    message = type(example_of(envelope))()
    message.CopyFrom(example_of(envelope))
    getattr(message, field.name).CopyFrom(example_of(event))

    again = json_format.Parse(json_format.MessageToJson(message), type(message)())

    assert again == message == type(message).FromString(message.SerializeToString())
    assert again.WhichOneof(choice_of(field)) == field.name


@pytest.mark.parametrize("name", MESSAGES)
def test_an_event_is_named_by_what_happened(name: str) -> None:
    assert name.endswith("ed") != (name in NOT_EVENTS)


def test_no_event_carries_a_secret() -> None:
    texts = [
        field.full_name
        for message in reachable(event_messages())
        for field in message.fields
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
    ]

    assert [name for name in texts if re.search(r"(secret|password|token|api_key|prompt|answer)$", name)] == []


def declared_by(message: Descriptor, prefix: str = "") -> Iterator[str]:
    """Every field, as "key.scopes". Of a oneof any one will do: its members are events and have their own examples."""
    for field in message.fields:
        if choice := choice_of(field):
            yield prefix + choice
            continue
        yield prefix + field.name
        if held := held_by(field):
            yield from declared_by(held, f"{prefix}{field.name}.")


def shown_by(message: Message, prefix: str = "") -> Iterator[str]:
    """Every field that is set."""
    for field, value in message.ListFields():
        if choice := choice_of(field):
            yield prefix + choice
            continue
        yield prefix + field.name
        if held_by(field):
            for inner in value if field.is_repeated else (value,):
                yield from shown_by(inner, f"{prefix}{field.name}.")
