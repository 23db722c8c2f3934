"""What is on the wire of events may grow and never change."""

from tests.contract.listing import COMMAND, FIELDS, committed, field_lines


def test_no_field_of_an_event_is_gone_renumbered_or_of_another_type() -> None:
    lost = set(committed(FIELDS)) - set(field_lines())

    assert sorted(lost) == [], "an event once published must stay readable"


def test_every_field_of_an_event_is_listed() -> None:
    added = set(field_lines()) - set(committed(FIELDS))

    assert sorted(added) == [], f"new on the wire: run `{COMMAND}` and show the fields in an example"
