"""Real clients' recorded requests to Anthropic in the common shape, compared with what others made of them."""

import json
from collections import Counter
from typing import Any

import pytest

from services.router.api.anthropic.translation import to_chat
from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.fixtures.references import TRAFFIC, needs
from tests.integration.router.recorded import REQUESTS
from tests.unit.router.api.recordings import PAIRS, Json, lines, translated

pytestmark = [pytest.mark.corpus, *(needs(file) for file in (TRAFFIC, REQUESTS, PAIRS))]

_REFUSED = ("tools[", "messages[", "mcp_servers", "container")
_MORE = {"tool_result with media", "document:text", "document:url", "document:file", "image:file"}
"""What the other translation leaves out, and this one keeps."""
_ONLY_HERE = {"reasoning", "top_k", "service_tier", "cache_control"}


def test_recorded_requests_mean_the_same_in_the_common_shape() -> None:
    others = {one["id"]: one for one in lines(REQUESTS)}
    refused: Counter[str] = Counter()
    compared, differences = 0, {}
    for exchange in lines(TRAFFIC):
        request = (exchange["request"] or {}).get("json") if exchange["wire"] == "messages" else None
        if not isinstance(request, dict):
            continue
        try:
            chat = translated(request, to_chat)
        except UnsupportedFeature as error:
            refused[error.metadata["field"]] += 1
            continue
        except InvalidField:
            assert exchange["response"]["status"] == 400
            continue
        other = others.get(exchange["id"])
        if other is None or _MORE & set(other["lossy"]):
            continue
        compared += 1
        found, recorded = meaning(chat), meaning({**other["body"], "model": chat["model"]})
        if found != recorded:
            differences[exchange["id"]] = {name: (found.get(name), recorded.get(name)) for name in found}
    assert compared > 700
    assert all(field.startswith(_REFUSED) for field in refused), refused
    assert differences == {}


def test_pairs_of_requests_that_say_the_same_are_translated_into_each_other() -> None:
    found = 0
    for pair in lines(PAIRS):
        theirs, ours = pair["formats"].get("chat-completions"), pair["formats"].get("anthropic")
        if theirs is None or ours is None:
            continue
        found += 1
        chat, recorded = meaning(translated(ours["body"], to_chat)), meaning(theirs["wire_body"])
        for name in ("tools", "response_format", "stop", "tool_choice"):
            # `auto` is what holds anyway; a pair may leave it out on one side, and names of schemas are free.
            assert _free(chat.get(name, "auto")) == _free(recorded.get(name, "auto")), (pair["case"], name)
        if not pair["followup"]:
            assert [one["role"] for one in chat["messages"]] == [one["role"] for one in recorded["messages"]]
    assert found > 15


def meaning(chat: Json) -> Json:
    """A request without what may be said in several ways, or is said only by one of the translations."""
    found: Json = _without_caching({name: value for name, value in chat.items() if name not in _ONLY_HERE})
    found["messages"] = [_turn(message) for message in found["messages"]]
    for tool in found.get("tools", ()):
        tool["function"].pop("strict", None)
    found |= {"user": "long"} if len(found.get("user", "")) >= 64 else {}
    return found


def _turn(message: Json) -> Json:
    message = {name: value for name, value in message.items() if not name.startswith("reasoning")}
    for call in message.get("tool_calls", ()):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    content = message.get("content")
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        message["content"] = "".join(part["text"] for part in content)
    return message


def _without_caching(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_caching(member) for name, member in value.items() if name != "cache_control"}
    return [_without_caching(member) for member in value] if isinstance(value, list) else value


def _free(value: Any) -> Any:
    """Without what a translation can't know: how a schema is called, and whether more than was said is forbidden."""
    if isinstance(value, dict):
        free = (
            ("name", "description", "strict", "additionalProperties")
            if "schema" in value
            else ("additionalProperties",)
        )
        return {name: _free(member) for name, member in value.items() if name not in free}
    return [_free(member) for member in value] if isinstance(value, list) else value
