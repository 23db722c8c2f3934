"""Parameters."""

from typing import Any

import pytest

from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import Json, config, rendered

SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("chat", "expected"),
    (
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 3}, {"temperature": 0.5, "topP": 0.9, "topK": 3}),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"maxOutputTokens": 6}),
        ({"stop": "x"}, {"stopSequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stopSequences": ["x", "y"]}),
        ({"stop": None, "temperature": None}, {}),
        ({"seed": 7, "n": 2}, {"seed": 7, "candidateCount": 2}),
        ({"frequency_penalty": 1, "presence_penalty": -1}, {"frequencyPenalty": 1, "presencePenalty": -1}),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"logprobs": False}, {}),
        ({"modalities": ["text"]}, {}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        ({"image_config": {"aspect_ratio": "16:9"}}, {"imageConfig": {"aspectRatio": "16:9"}}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "pcm16"}},
         {"responseModalities": ["AUDIO"],
          "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
         {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}),
    ),
)  # fmt: skip
def test_each_parameter_has_its_name(chat: Json, expected: Json) -> None:
    assert config(**chat) == expected


def test_what_the_request_leaves_open_is_filled_in() -> None:
    found = rendered(temperature=0.1, fill={"max_tokens": 9})
    assert found["generationConfig"] == {"temperature": 0.1, "maxOutputTokens": 9}


def test_harmless_tuning_is_dropped() -> None:
    tuning: Json = {
        "logit_bias": {"1": 2}, "user": "u", "metadata": {"a": "b"}, "store": True, "verbosity": "low",
        "parallel_tool_calls": False, "prediction": {}, "prompt_cache_key": "k", "stream_options": {}, "whatever": 1,
    }  # fmt: skip
    assert rendered(**tuning).keys() == {"contents"}


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"audio": {"format": "mp3"}}, "audio.format"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
    ),
)
def test_what_gemini_can_not_do_is_refused_by_name(chat: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        rendered(**chat)
    assert raised.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"stop": 5}, "stop"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": "json"}, "response_format"),
        ({"modalities": "text"}, "modalities"),
    ),
)
def test_a_parameter_of_another_kind_is_named(chat: Json, field: str) -> None:
    with pytest.raises(InvalidField) as raised:
        rendered(**chat)
    assert raised.value.metadata["field"] == field


@pytest.mark.parametrize(
    "chat",
    (
        {"extra_body": {"google": {"cached_content": "cachedContents/1", "safety_settings": [{"a": "b"}]}}},
        {"google": {"cachedContent": "cachedContents/1", "safetySettings": [{"a": "b"}]}},
        {"cached_content": "cachedContents/1", "safety_settings": [{"a": "b"}]},
    ),
)
def test_what_is_googles_own_goes_along(chat: Json) -> None:
    found = rendered(**chat)
    assert (found["cachedContent"], found["safetySettings"]) == ("cachedContents/1", [{"a": "b"}])


@pytest.mark.parametrize(("tier", "expected"), (("flex", "flex"), ("priority", "priority"), ("auto", None)))
def test_tiers_that_google_has_go_along(tier: Any, expected: str | None) -> None:
    assert rendered(service_tier=tier).get("serviceTier") == expected
