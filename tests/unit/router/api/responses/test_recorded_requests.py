"""Real clients' recorded requests for responses in the common shape; pairs that say the same in both formats."""

from collections import Counter
from typing import Any

import pytest

from services.router.api.responses.translation import to_chat
from services.runtime.errors import UnsupportedFeature
from tests.fixtures.references import TRAFFIC, needs
from tests.unit.router.api.recordings import PAIRS, Json, lines, translated

pytestmark = [pytest.mark.corpus, needs(TRAFFIC), needs(PAIRS)]

_ONLY_THERE = ("tools[", "input[", "background", "conversation", "previous_response_id", "prompt")
_OTHER_PROMPTS = {"serviceTierParam", "textFormatJsonSchemaParam", "textFormatJsonSchemaWithDescriptionParam"}
"""Pairs that ask different questions."""
_NO_EFFORT = {"openAIMultipleReasoningSignaturesReplayParam", "reasoningRequest", "reasoningRequestTruncated"}
"""Pairs that ask for an effort on one side only."""
_LEFT_OUT = ("refusal", "annotations", "reasoning", "reasoning_signature", "reasoning_details")


def test_recorded_requests_are_translated_or_refused_by_name() -> None:
    refused: Counter[str] = Counter()
    done = 0
    for exchange in lines(TRAFFIC):
        request = (exchange["request"] or {}).get("json") if exchange["wire"] == "responses" else None
        if not isinstance(request, dict):
            continue
        try:
            chat = translated(request, to_chat)
        except UnsupportedFeature as error:
            refused[error.metadata["field"]] += 1
            continue
        done += 1
        assert _said(chat["messages"]) == (request.get("instructions") or "") + _asked(request.get("input"))
    assert done > 700
    assert all(field.startswith(_ONLY_THERE) for field in refused), refused


def test_pairs_of_requests_that_say_the_same_are_translated_into_each_other() -> None:
    found, differences = 0, {}
    for pair in lines(PAIRS):
        ours, theirs = pair["formats"].get("responses"), pair["formats"].get("chat-completions")
        if ours is None:
            continue
        chat = meaning(translated(ours["wire_body"], to_chat))
        if theirs is None:
            continue
        found += 1
        recorded = meaning(theirs["wire_body"])
        differs = {name for name in chat.keys() | recorded.keys() if chat.get(name) != recorded.get(name)}
        differs -= {"reasoning_effort"} if pair["case"] in _NO_EFFORT else set()
        # What follows the first turn is what each format's model had answered.
        differs -= {"messages"} if pair["followup"] or pair["case"] in _OTHER_PROMPTS else set()
        if differs:
            differences[pair["case"]] = {name: (chat.get(name), recorded.get(name)) for name in differs}
    assert found > 20
    assert differences == {}


def meaning(chat: Json) -> Json:
    """A request without what may be said in several ways, and without the model's name."""
    found = {name: value for name, value in chat.items() if name != "model"}
    if "max_completion_tokens" in found:
        found["max_tokens"] = found.pop("max_completion_tokens")
    if effort := found.pop("reasoning", {}).get("effort"):
        found["reasoning_effort"] = effort
    if found.get("response_format") == {"type": "text"}:
        del found["response_format"]
    for tool in found.get("tools", ()):
        if tool["function"].get("strict") is False:
            del tool["function"]["strict"]
    found["messages"] = [
        {name: _without_detail(value) for name, value in message.items() if name not in _LEFT_OUT}
        for message in found["messages"]
    ]
    return found


def _without_detail(content: Any) -> Any:
    for part in content if isinstance(content, list) else ():
        if part.get("image_url", {}).get("detail") == "auto":
            del part["image_url"]["detail"]
    return content


def _asked(given: Any) -> str:
    """All texts of a request's input, in order."""
    if isinstance(given, str):
        return given
    contents = [
        item["output"] if "output" in item else item.get("content") for item in given if item.get("type") != "reasoning"
    ]
    return "".join(map(_text, contents))


def _said(messages: list[Json]) -> str:
    return "".join(_text(message["content"]) for message in messages)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
