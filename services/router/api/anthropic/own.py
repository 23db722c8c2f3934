"""What this surface itself put into earlier answers and a client brought back, kept from Anthropic's own API.

Anthropic verifies signatures: thinking of other providers' models, and citations that are not its own, would be refused
there. So a conversation may begin with one model and go on with Claude.
"""

from typing import Any

import msgspec

from services.router.api.anthropic.carrier import MARK
from services.router.chat import Body

_MARKED = b'"' + MARK.encode()
_turns = msgspec.json.Decoder(list[Any])
_encode = msgspec.json.Encoder().encode


def without_ours(body: Body, content: bytes) -> Body:
    """The request as it came, but for blocks and citations with this surface's mark. `content` is its bytes."""
    if _MARKED not in content:
        return body
    turns = _turns.decode(body["messages"])
    for turn in turns:
        blocks = turn.get("content") if isinstance(turn, dict) else None
        if isinstance(blocks, list):
            turn["content"] = [_cleaned(block) for block in blocks if not _is_marked(block)]
    return {**body, "messages": msgspec.Raw(_encode(turns))}


def _is_marked(block: Any) -> bool:
    """Whether it is thinking that did not come from Anthropic."""
    if not isinstance(block, dict):
        return False
    carrier = {"thinking": "signature", "redacted_thinking": "data"}.get(str(block.get("type")))
    value = block.get(carrier) if carrier else None
    return isinstance(value, str) and value.startswith(MARK)


def _cleaned(block: Any) -> Any:
    """The block without citations that Anthropic did not give."""
    citations = block.get("citations") if isinstance(block, dict) else None
    if not isinstance(citations, list):
        return block
    kept = [one for one in citations if not (isinstance(one, dict) and one.get("encrypted_index") == MARK)]
    return {**block, "citations": kept or None}
