"""Bytes that are nearly right: JSON with something odd in it, text with something torn out of it."""

import copy
import json
from random import Random
from typing import Any

_ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, 1e308, -1e-320, 2**31, 2**53 + 1, 2**64, -(2**63) - 1, 10**40,
    float("nan"), float("inf"), "", " ", "x", "null", "1", "\x00", "\r\n", "\u2028", "\ud800", "\udfff\ud83d", "🗼",
    "a" * 3000, "text", "tool_use", "function", "http://[", "data:;base64,", "data:image/png;base64,%%%", "-----",
    [], {}, [[]], [None], [{}], {"": None}, {"type": None}, {"type": "text"}, {"type": "tool_use"}, [1, "a", None, {}],
]  # fmt: skip
_TOKENS = [
    b"data:", b"data: ", b"event: ", b"id: 1", b"retry: x", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"[DONE]",
    b"\xef\xbb\xbf", b"data: [DONE]\n\n", b"null", b"{", b"}", b"[", b"]", b'"', b",", b"\\", b"\\u", b"\\ud83d",
    b"\xff", b"\x00", b"\xe2\x80\xa8", b"\xf0\x9f", b"NaN", b"-0", b"1e999",
    b"[" * 3000, b'{"a":' * 3000, b'"' + b"a" * 70_000 + b'"',
]  # fmt: skip
_DEEP = 1200


def mutated_json(dice: Random, value: Any, times: int) -> Any:
    """A copy of a JSON value with so many things changed somewhere in it."""
    holder = [json.loads(json.dumps(value))]
    for _ in range(times):
        _change_one(dice, holder)
    if dice.random() < 0.01:
        _deepen(dice, holder)
    return holder[0]


def _change_one(dice: Random, holder: list[Any]) -> None:
    """Walks down from the top, stops anywhere, and changes what it stands on."""
    parent: Any = holder
    while True:
        places = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not places:
            return
        place = dice.choice(places)
        child = parent[place]
        if not isinstance(child, dict | list) or not child or dice.random() < 0.15:
            break
        parent = child
    kind = dice.randrange(7)
    if kind == 0 and parent is not holder:
        del parent[place]
    elif kind == 1:
        parent[place] = [child] if dice.random() < 0.5 else {"": child}
    elif kind == 2 and isinstance(parent, dict):
        parent[dice.choice(["type", "index", "id", "text", "content", "usage", "error", "x"])] = copy.deepcopy(child)
    elif kind == 3 and isinstance(parent, list) and len(parent) < 64:
        parent.insert(place, copy.deepcopy(child))
    elif kind == 4 and isinstance(child, str):
        at = dice.randrange(len(child) + 1)
        parent[place] = child[:at] + dice.choice(["\ud800", "\x00", "🗼", '"', "\n", ""])
    else:
        parent[place] = copy.deepcopy(dice.choice(_ODD_VALUES))


def _deepen(dice: Random, holder: list[Any]) -> None:
    """Nests one member more deeply than Python likes to recurse."""
    parent: Any = holder[0] if isinstance(holder[0], dict) and holder[0] else {}
    place = dice.choice([*parent, "x"])
    deep = parent.get(place)
    for _ in range(dice.choice((200, _DEEP))):
        deep = [deep]
    holder[0] = {**parent, place: deep}


def dumped(value: Any) -> bytes:
    """As JSON, half surrogates and all; `{}` for what is nested too deeply even for that."""
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except RecursionError:
        return b"{}"


def mutated_bytes(dice: Random, content: bytes, times: int) -> bytes:
    """Bytes with so many things cut out, put in, turned over or repeated."""
    found = bytearray(content)
    for _ in range(times):
        start = dice.randrange(len(found) + 1)
        stop = min(len(found), start + dice.choice((1, 1, 2, 8, 64, 512)))
        kind = dice.randrange(6)
        if kind == 0:
            del found[start:stop]
        elif kind == 1:
            found[start:start] = dice.choice(_TOKENS)
        elif kind == 2 and start < len(found):
            found[start] ^= 1 << dice.randrange(8)
        elif kind == 3:
            found[start:start] = found[start:stop]
        elif kind == 4:
            found[start:start] = dice.randbytes(stop - start)
        elif dice.random() < 0.2:
            del found[start:]
    return bytes(found)


def soup(dice: Random) -> bytes:
    """Nothing but odd pieces."""
    return b"".join(
        dice.choice(_TOKENS[:-3]) if dice.random() < 0.7 else dice.randbytes(3) for _ in range(dice.randrange(60))
    )


def pieces(dice: Random, content: bytes) -> list[bytes]:
    """The same bytes, cut anywhere."""
    if dice.random() < 0.05:
        return [content[at : at + 1] for at in range(min(len(content), 4000))] + [content[4000:]]
    cuts = sorted(dice.randrange(len(content) + 1) for _ in range(dice.randrange(8)))
    return [content[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True)]
