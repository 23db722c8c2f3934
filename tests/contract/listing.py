"""The two listings in golden/: what is on the wire of every event, and who may call which RPC."""

from pathlib import Path

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from pantheon.auth.v1.access_pb2 import AUDIENCE_USER, Audience, Role, Scope
from tests.contract.declared import choice_of, event_messages, map_entry_of, reachable, rpcs

GOLDEN = Path(__file__).with_name("golden")
FIELDS = GOLDEN / "fields.txt"
ACCESS = GOLDEN / "access.txt"

COMMAND = "python -m tests.contract.write_listing"

_SCALARS: dict[int, str] = {
    number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()
}


def committed(listing: Path) -> list[str]:
    """The lines of a listing without its comments."""
    lines = listing.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def field_lines() -> list[str]:
    """`<field> <number> <type>` for all that an event can hold; `<enum>.<value> <number>` for the enums among it."""
    lines: list[str] = []
    enums: dict[str, EnumDescriptor] = {}
    for message in reachable(event_messages()):
        lines.extend(f"{field.full_name} {field.number} {type_of(field)}" for field in message.fields)
        enums |= {field.enum_type.full_name: field.enum_type for field in message.fields if field.enum_type}
    for name in sorted(enums):
        lines.extend(f"{name}.{value.name} {value.number}" for value in enums[name].values)
    return lines


def access_lines() -> list[str]:
    """`<service>/<method> <audience> <role> <scope>`, or for services `<service>/<method> <audience> <names>`."""
    lines = []
    for rpc in rpcs():
        rule = rpc.rule
        who: tuple[str, ...] = (",".join(rule.services),) if rule.services else ("-", "-")
        if rule.audience == AUDIENCE_USER:
            who = (Role.Name(rule.role), Scope.Name(rule.scope))
        lines.append(" ".join((rpc.path, Audience.Name(rule.audience), *who)))
    return lines


def type_of(field: FieldDescriptor) -> str:
    """As in the proto: "optional int64", "repeated string", "pantheon.events.v1.KeyCreated of oneof event"."""
    if entry := map_entry_of(field):
        key, value = entry.fields
        return f"map<{type_of(key)}, {type_of(value)}>"
    declared = field.message_type or field.enum_type
    name = declared.full_name if declared else _SCALARS[field.type]
    if field.is_repeated:
        return f"repeated {name}"
    if choice := choice_of(field):
        return f"{name} of oneof {choice}"
    return f"optional {name}" if field.containing_oneof else name
