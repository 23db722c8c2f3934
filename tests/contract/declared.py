"""What the protos declare, read from the generated stubs."""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

import pantheon
from pantheon.auth.v1.access_pb2 import AccessRule, access

EVENTS = "pantheon.events.v1"


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a service, as "pantheon.auth.v1.AuthService/Login"."""

    path: str
    rule: AccessRule
    request: Descriptor
    response: Descriptor

    @property
    def name(self) -> str:
        return self.path.partition("/")[2]


@cache
def files() -> tuple[FileDescriptor, ...]:
    """All files under proto/pantheon, by name."""
    modules = [module.name for module in pkgutil.walk_packages(pantheon.__path__, "pantheon.")]
    found = [importlib.import_module(name).DESCRIPTOR for name in modules if name.endswith("_pb2")]
    return tuple(sorted(found, key=lambda file: file.name))


def event_messages() -> list[Descriptor]:
    """The messages of the event contract, by name, but for the requests and responses of its service."""
    found = [
        message
        for file in files()
        if file.package == EVENTS and not file.services_by_name
        for message in file.message_types_by_name.values()
    ]
    return sorted(found, key=lambda message: message.name)


def rpcs() -> list[Rpc]:
    """Every method of every service, in the order of the protos."""
    return [
        Rpc(f"{service.full_name}/{method.name}", _rule(method.GetOptions()), method.input_type, method.output_type)
        for file in files()
        for service in file.services_by_name.values()
        for method in service.methods
    ]


def choice_of(field: FieldDescriptor) -> str:
    """The name of the `oneof` that the field is in; empty: in none, or in the one that `optional` makes."""
    name = field.containing_oneof.name if field.containing_oneof else ""
    return "" if name == f"_{field.name}" else name


def map_entry_of(field: FieldDescriptor) -> Descriptor | None:
    """What a map's elements are on the wire; None: the field is no map."""
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


def held_by(field: FieldDescriptor) -> Descriptor | None:
    """The message of ours in the field; None: it holds none. Those of others (times, decimals) are taken whole."""
    message = field.message_type
    ours = message is not None and message.full_name.startswith("pantheon.") and not map_entry_of(field)
    return message if ours else None


def reachable(messages: list[Descriptor]) -> list[Descriptor]:
    """These messages and all of Pantheon's that they hold, each once, by full name."""
    found: dict[str, Descriptor] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting.extend(held for field in message.fields if (held := held_by(field)))
    return sorted(found.values(), key=lambda message: message.full_name)


def _rule(options: object) -> AccessRule:
    rule: AccessRule = options.Extensions[access]  # type: ignore[attr-defined]  # MethodOptions has no type of its own
    return rule
