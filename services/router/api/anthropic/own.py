"""What this surface itself put into earlier answers and a client brought back, kept from Anthropic's own API.

Anthropic verifies signatures: thinking of other providers' models, and citations that are not its own, would be refused
there. So a conversation may begin with one model and go on with Claude.
"""

import msgspec

from services.router.api.carrier import MARK
from services.router.chat import UNREADABLE_JSON, Body

_MARKED = b'"' + MARK.encode()
_CARRIERS = {b'"thinking"': "signature", b'"redacted_thinking"': "data"}
_NOTHING = msgspec.Raw()
_turns = msgspec.json.Decoder(list[Body])
_blocks = msgspec.json.Decoder(list[Body])
_encode = msgspec.json.Encoder().encode


def without_ours(body: Body, content: bytes) -> Body:
    """The request as it came, but for blocks and citations with this surface's mark. `content` is its bytes.

    A turn of such blocks alone goes with them: Anthropic takes no empty one, and joins its neighbours.
    A request that can't be read so far is left to whoever it is sent to.
    """
    if _MARKED not in content:
        return body
    try:
        turns = [kept for turn in _turns.decode(body["messages"]) if (kept := _turn(turn)) is not None]
    except UNREADABLE_JSON:
        return body
    return {**body, "messages": msgspec.Raw(_encode(turns))}


def _turn(turn: Body) -> Body | None:
    """The turn without them; None where nothing is left of it."""
    content = bytes(turn.get("content", _NOTHING))
    if not content.startswith(b"[") or _MARKED not in content:
        return turn
    blocks = [_cleaned(block) for block in _blocks.decode(content) if not _is_marked(block)]
    return {**turn, "content": msgspec.Raw(_encode(blocks))} if blocks else None


def _is_marked(block: Body) -> bool:
    """Whether it is thinking that did not come from Anthropic."""
    carrier = _CARRIERS.get(bytes(block.get("type", _NOTHING)))
    return carrier is not None and bytes(block.get(carrier, _NOTHING)).startswith(_MARKED)


def _cleaned(block: Body) -> Body:
    """The block without citations that Anthropic did not give."""
    citations = bytes(block.get("citations", _NOTHING))
    if not citations.startswith(b"[") or _MARKED not in citations:
        return block
    kept = [one for one in _blocks.decode(citations) if not bytes(one.get("encrypted_index", b"")).startswith(_MARKED)]
    return {**block, "citations": msgspec.Raw(_encode(kept or None))}
