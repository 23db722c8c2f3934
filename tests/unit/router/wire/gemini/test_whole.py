"""Whole answers."""

import json
from contextlib import suppress
from typing import Any

import pytest

from services.rating import Tokens
from services.router.chat import Format
from services.runtime.errors import ProviderBroken, ProviderFailed
from tests.unit.router.wire.gemini.samples import WIRE, Json, answered, message, response

CALL = {"functionCall": {"name": "add", "args": {"a": 1}}}


def test_an_answer_says_who_made_it() -> None:
    completion, facts = answered(response({"text": "Hi"}))
    assert (completion["id"], completion["model"], completion["object"]) == (
        "r-1",
        "gemini-2.5-flash",
        "chat.completion",
    )
    assert (facts.response_id, facts.served_model, facts.finish_reason) == ("r-1", "gemini-2.5-flash", "stop")
    assert facts.characters == 2


def test_texts_are_joined() -> None:
    assert message({"text": "a"}, {"text": ""}, {"text": "b"}) == {"role": "assistant", "content": "ab"}


def test_thoughts_are_reasoning() -> None:
    found = message({"text": "Hm", "thought": True}, {"text": "Yes"})
    detail = {"type": "reasoning.text", "text": "Hm", "format": "google-gemini-v1", "index": 0}
    assert (found["content"], found["reasoning"], found["reasoning_details"]) == ("Yes", "Hm", [detail])


def test_calls_without_ids_get_their_own() -> None:
    body = response(CALL, CALL, {"functionCall": {"name": "now", "id": "given"}})
    found = answered(body)[0]["choices"][0]
    calls = found["message"]["tool_calls"]
    assert [call["function"] for call in calls] == [
        {"name": "add", "arguments": '{"a":1}'},
        {"name": "add", "arguments": '{"a":1}'},
        {"name": "now", "arguments": "{}"},
    ]
    ids = [call["id"] for call in calls]
    assert len(set(ids)) == 3
    assert ids[2] == "given"
    assert ids == [call["id"] for call in answered(body)[0]["choices"][0]["message"]["tool_calls"]]
    assert (found["finish_reason"], found["message"]["content"]) == ("tool_calls", None)


def test_signatures_come_back_with_what_they_sign() -> None:
    found = message({"text": "a", "thoughtSignature": "dA=="}, {**CALL, "thoughtSignature": "Yw=="})
    assert found["extra_content"] == {"google": {"thought_signature": "dA=="}}
    assert found["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "Yw=="}}


def test_images_and_sound_are_shown() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    assert message(image)["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]
    sound = {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "aGk="}}
    assert message(sound)["audio"]["data"] == "aGk="


def test_acts_of_googles_own_tools_are_kept() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "print(1.50)"}, "thoughtSignature": "s"}
    outcome = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1.5"}}
    found = message(code, outcome, {"text": "1.5"})
    assert found["content"] == "1.5"
    assert found["extra_content"]["google"]["parts"] == [code, outcome]


@pytest.mark.parametrize(
    ("native", "expected"),
    (
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "stop"),
        ("SOMETHING_NEW", "stop"),
        (1, "stop"),
        (2, "length"),
        (99, "stop"),
    ),
)
def test_each_finish_reason_has_a_word(native: Any, expected: str) -> None:
    assert answered(response({"text": "a"}, finish=native))[0]["choices"][0]["finish_reason"] == expected


def test_the_native_finish_reason_is_told_too() -> None:
    assert answered(response(finish="SPII"))[0]["choices"][0]["native_finish_reason"] == "SPII"


def test_an_answer_cut_off_amid_calls_was_cut_off() -> None:
    assert answered(response(CALL, finish="MAX_TOKENS"))[0]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("finish", (None, 0, "FINISH_REASON_UNSPECIFIED"))
def test_an_absent_finish_reason_stays_absent(finish: Any) -> None:
    completion, facts = answered(response({"text": "a"}, finish=finish))
    assert completion["choices"][0]["finish_reason"] is None
    assert not facts.ended


def test_a_blocked_prompt_is_filtered() -> None:
    completion, facts = answered(
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    )
    assert completion["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ""},
            "finish_reason": "content_filter",
            "native_finish_reason": "SAFETY",
        }
    ]
    assert facts.tokens == Tokens(prompt_tokens=4)


def test_tokens_of_thoughts_and_tools_are_counted_where_they_are_charged() -> None:
    usage = {
        "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 4, "candidatesTokenCount": 7,
        "thoughtsTokenCount": 20, "totalTokenCount": 42,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "AUDIO", "tokenCount": 8}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
    }  # fmt: skip
    completion, facts = answered(response({"text": "a"}, usageMetadata=usage))
    assert facts.tokens == Tokens(
        prompt_tokens=15,
        completion_tokens=27,
        cached_tokens=4,
        reasoning_tokens=20,
        prompt_audio_tokens=8,
        completion_audio_tokens=7,
    )
    assert completion["usage"] == {
        "prompt_tokens": 15,
        "completion_tokens": 27,
        "total_tokens": 42,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 7},
    }


def test_pictures_and_video_are_counted_and_what_of_them_came_from_the_cache() -> None:
    usage = {
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 9, "totalTokenCount": 109,
        "promptTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 50}, {"modality": "VIDEO", "tokenCount": 20},
            {"modality": "AUDIO", "tokenCount": 20},
        ],
        "toolUsePromptTokensDetails": [{"modality": "IMAGE", "tokenCount": 2}],
        "cacheTokensDetails": [{"modality": "IMAGE", "tokenCount": 30}, {"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 8}],
    }  # fmt: skip
    assert answered(response({"text": "a"}, usageMetadata=usage))[1].tokens == Tokens(
        prompt_tokens=100,
        completion_tokens=9,
        cached_tokens=40,
        prompt_audio_tokens=20,
        cached_audio_tokens=10,
        prompt_image_tokens=52,
        cached_image_tokens=30,
        prompt_video_tokens=20,
        completion_image_tokens=8,
    )


def test_a_completion_of_nothing_is_known_by_the_total() -> None:
    completion, facts = answered(response(usageMetadata={"promptTokenCount": 10, "totalTokenCount": 10}))
    assert facts.tokens == Tokens(prompt_tokens=10, completion_tokens=0)
    assert completion["usage"] == {"prompt_tokens": 10, "total_tokens": 10}
    assert answered(response(usageMetadata={"promptTokenCount": 10}))[1].tokens == Tokens(prompt_tokens=10)


def test_absent_counts_are_left_out_and_zeros_are_not() -> None:
    completion, facts = answered(
        response({"text": "a"}, usageMetadata={"promptTokenCount": 3, "thoughtsTokenCount": 0})
    )
    assert completion["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 0,
        "total_tokens": 3,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert answered(response({"text": "a"}))[1].tokens is None
    assert facts.tokens is not None
    assert facts.tokens.cached_tokens is None


def test_sources_are_annotations_in_characters() -> None:
    chunks = [{"web": {"uri": "https://a.example", "title": "A"}}, {"maps": {"uri": "https://b.example"}}]
    supports = [
        {"segment": {"partIndex": 1, "startIndex": 3, "endIndex": 5}, "groundingChunkIndices": [0, 1, 9]},
        {"segment": {"partIndex": 1, "startIndex": 3, "endIndex": 5}, "groundingChunkIndices": [0]},
    ]
    grounding = {"groundingChunks": chunks, "groundingSupports": supports}
    found = message({"text": "ab"}, {"text": "é cd"}, groundingMetadata=grounding)["annotations"]
    assert [one["url_citation"] for one in found] == [
        {"start_index": 4, "end_index": 6, "url": "https://a.example", "title": "A"},
        {"start_index": 4, "end_index": 6, "url": "https://b.example", "title": ""},
    ]


def test_sources_without_a_place_and_recited_ones_are_annotations_too() -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "https://a.example"}}, {"unknown": {}}]}
    recited = {"citations": [{"endIndex": 2, "uri": "https://b.example"}, {"endIndex": 1, "title": "no address"}]}
    found = message({"text": "abc"}, groundingMetadata=grounding, citationMetadata=recited)["annotations"]
    places = [(one["url_citation"]["url"], one["url_citation"]["end_index"]) for one in found]
    assert places == [("https://a.example", 0), ("https://b.example", 2)]


def test_probabilities_of_tokens_are_told() -> None:
    result = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5}, {"token": "b", "logProbability": -1}],
        "topCandidates": [{"candidates": [{"token": "é", "logProbability": -0.5}]}],
    }
    found = answered(response({"text": "éb"}, logprobsResult=result))[0]["choices"][0]["logprobs"]["content"]
    first = {"token": "é", "logprob": -0.5, "bytes": [195, 169]}
    assert found[0] == {**first, "top_logprobs": [first]}
    assert found[1]["top_logprobs"] == []


def test_several_candidates_are_several_choices() -> None:
    body = response({"text": "a"})
    body["candidates"].append({**body["candidates"][0], "index": 1})
    completion, facts = answered(body)
    assert [choice["index"] for choice in completion["choices"]] == [0, 1]
    assert facts.ended_choices == {0, 1}


def test_half_an_emoji_is_kept_and_members_of_surprising_types_count_as_absent() -> None:
    body = json.dumps(response({"text": "a\ud83d"}, usageMetadata={"promptTokenCount": "many"}))
    answer = WIRE.parse_response(body.encode(), Format.CHAT)
    completion = json.loads(answer.body)
    assert completion["choices"][0]["message"]["content"] == "a\ud83d"
    assert completion["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "body",
    (
        b"", b"[]", b"{}", b'{"candidates": []}', b"<html>",
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":nul}}}]}}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}',
    ),
)  # fmt: skip
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(body, Format.CHAT)


def test_an_error_in_a_success_is_an_error() -> None:
    error: Json = {"error": {"code": 500, "message": "Oops", "status": "INTERNAL"}}
    with pytest.raises(ProviderFailed, match="Oops"):
        answered(error)


@pytest.mark.parametrize("text", ("a", "\\ud83d"))
@pytest.mark.parametrize("depth", (900, 960, 980, 990, 5000))
def test_an_answer_nested_deeply_is_read_or_broken(text: str, depth: int) -> None:
    call = '{"functionCall":{"name":"f","args":' + '{"a":' * depth + "1" + "}" * depth + "}}"
    body = '{"candidates":[{"content":{"parts":[{"text":"' + text + '"},' + call + "]}}]}"
    with suppress(ProviderBroken):
        assert json.loads(WIRE.parse_response(body.encode(), Format.CHAT).body)["object"] == "chat.completion"
