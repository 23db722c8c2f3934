"""What this surface itself put into earlier answers and a client brought back, kept from OpenAI's own API.

OpenAI knows its reasoning items by id, and verifies what they hold encrypted: those of other providers' models would be
refused there. So a conversation may begin with one model and go on with OpenAI's. Clients that have nothing stored
(Codex) leave the ids out: there the seal tells.
"""

from typing import Any, Final

import msgspec

from services.router.api.carrier import MARK
from services.router.chat import Body

REASONING: Final = "rs_pantheon"
"""What the ids of this surface's own reasoning items begin with."""
_MARKS: Final = (b'"' + REASONING.encode(), b'"' + MARK.encode())
_items = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class _Item(msgspec.Struct):
    type: Any = None
    id: Any = None
    encrypted_content: Any = None


_item = msgspec.json.Decoder(_Item)


def without_ours(body: Body, content: bytes) -> Body:
    """The request as it came, but for reasoning items of this surface's own. `content` is its bytes."""
    given = bytes(body.get("input", b""))
    if not any(mark in content for mark in _MARKS) or not given.startswith(b"["):
        return body
    items = _items.decode(given)
    kept = [item for item in items if not _is_ours(item)]
    return body if len(kept) == len(items) else {**body, "input": msgspec.Raw(_encode(kept))}


def _is_ours(item: msgspec.Raw) -> bool:
    if not bytes(item).startswith(b"{"):
        return False
    found = _item.decode(item)
    marks = ((found.id, REASONING), (found.encrypted_content, MARK))
    return found.type == "reasoning" and any(isinstance(text, str) and text.startswith(mark) for text, mark in marks)
