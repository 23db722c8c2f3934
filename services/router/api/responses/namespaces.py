"""Tools in namespaces, and tools that a search has found. The common shape has neither: all are there from the start.

Formats: OpenAI API reference, "Create a model response" (`namespace` tools, the `namespace` of calls,
`tool_search_output`); OpenAI's guide "Tool search".
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.router.api.responses.content import NOTHING, is_given
from services.router.chat import Body
from services.router.wire.reading import member

NAMESPACE: Final = "namespace"
SEARCH: Final = "tool_search"
FOUND: Final = "tool_search_output"
_JOINT: Final = "__"


class _Member(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    type: str = ""
    name: str = ""
    tools: list[_Member] | None = None


class _Item(msgspec.Struct):
    type: Any = None
    tools: msgspec.Raw = NOTHING


_groups = msgspec.json.Decoder(list[_Group])
_items = msgspec.json.Decoder(list[_Item])


def joint_name(namespace: str | None, name: str) -> str:
    """What a tool of a namespace is called where there are none."""
    return f"{namespace}{_JOINT}{name}" if namespace else name


def tool_lists(body: Body) -> Iterator[tuple[str, msgspec.Raw]]:
    """The lists of tools in a request, and the names of their places: its own first, then those that searches found.

    Raises InvalidField.
    """
    yield "tools", body.get("tools", NOTHING)
    given = body.get("input", NOTHING)
    if FOUND.encode() in bytes(given) and bytes(given).startswith(b"["):
        items: list[_Item] = member(_items, given, "input")
        for place, item in enumerate(items):
            if item.type == FOUND:
                yield f"input[{place}].tools", item.tools


def split_names(body: Body) -> Mapping[str, tuple[str, str]]:
    """The namespace and the name in it, by the joint name, of all tools that are in one. Raises InvalidField."""
    return {
        joint_name(group.name, tool.name): (group.name, tool.name)
        for field, given in tool_lists(body)
        if is_given(given) and NAMESPACE.encode() in bytes(given)
        for group in member(_groups, given, field)
        if group.type == NAMESPACE
        for tool in group.tools or ()
    }
