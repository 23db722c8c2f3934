"""What becomes of the parameters of a chat request."""

from typing import Any

import msgspec
import pytest

from services.router.chat import ChatRequest
from services.router.wire.base import Dialect
from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.anthropic_messages.samples import BUDGETED, TODAY, WIRE, Json, body_of, rendered

TURNS = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
ALWAYS = {"model": BUDGETED, "max_tokens": 2000, "messages": TURNS}


def test_the_platforms_maximum_is_sent_where_the_request_sets_none() -> None:
    assert rendered() == ALWAYS


@pytest.mark.parametrize(
    ("chat", "sent"),
    (
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_completion_tokens": 8, "max_tokens": None}, {"max_tokens": 8}),
        ({"temperature": 1, "top_p": 0.5, "top_k": 3}, {"temperature": 1, "top_p": 0.5, "top_k": 3}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"user": "u", "safety_identifier": "s"}, {"metadata": {"user_id": "s"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "priority"}, {"service_tier": "auto"}),
        ({"service_tier": "flex"}, {}),
        ({"cache_control": {"type": "ephemeral"}}, {"cache_control": {"type": "ephemeral"}}),
        ({"n": 1, "logprobs": False, "modalities": ["text"], "response_format": {"type": "text"}}, {}),
    ),
)
def test_what_has_a_name_of_its_own_is_sent_under_it(chat: Json, sent: Json) -> None:
    assert rendered(**chat) == {**ALWAYS, **sent}


def test_harmless_tuning_is_dropped() -> None:
    tuning: Json = {
        "frequency_penalty": 1, "presence_penalty": 1, "seed": 1, "logit_bias": {"1": 1}, "top_logprobs": 2, "min_p": 0,
        "repetition_penalty": 1, "store": True, "metadata": {"a": "b"}, "prediction": {}, "verbosity": "low",
        "prompt_cache_key": "k", "stream_options": {"include_usage": True}, "provider": {}, "unheard_of": 1,
    }  # fmt: skip
    assert rendered(**tuning) == ALWAYS


def test_a_stream_is_asked_for() -> None:
    assert rendered(stream=True) == {**ALWAYS, "stream": True}


def test_sampling_is_dropped_for_models_that_refuse_it() -> None:
    assert rendered(TODAY, temperature=2, top_p=0.5, top_k=1) == {**ALWAYS, "model": TODAY}


def test_open_parameters_are_filled_in() -> None:
    assert rendered(fill={"temperature": 0.5, "top_p": 1.0, "max_tokens": 9, "frequency_penalty": 0}) == {
        **ALWAYS,
        "temperature": 0.5,
        "max_tokens": 9,
    }
    assert rendered(fill={"temperature": 0.5}, top_p=0.9) == {**ALWAYS, "top_p": 0.9}


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"stop": ["\n"]}, "stop"),
    ),
)
def test_what_anthropic_can_not_say_is_refused_by_name(chat: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        rendered(**chat)
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"stop": 1}, "stop"),
        ({"user": 1}, "user"),
        ({"messages": None}, "messages"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    ),
)
def test_a_value_out_of_range_is_named(chat: Json, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        rendered(**chat)
    assert refused.value.metadata["field"] == field


def schema(**members: Any) -> Json:
    """What is sent of a schema."""
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": members}}
    sent = rendered(response_format=response_format)["output_config"]["format"]
    assert sent["type"] == "json_schema"
    found: Json = sent["schema"]
    return found


def test_a_schema_holds_the_answer_to_it() -> None:
    inner = {"type": "object", "properties": {"b": {"type": ["string", "null"]}}, "required": ["b"]}
    closed = {**inner, "additionalProperties": False}
    assert schema(type="object", properties={"a": inner}, additionalProperties=True) == {
        "type": "object", "properties": {"a": closed}, "additionalProperties": False,
    }  # fmt: skip
    assert schema(**{"$ref": "#/$defs/a", "$defs": {"a": inner}}) == {"$ref": "#/$defs/a", "$defs": {"a": closed}}
    assert schema(oneOf=[inner, {"const": 1}]) == {"anyOf": [closed, {"const": 1}]}


def test_limits_that_a_schema_can_not_hold_are_told_in_its_description() -> None:
    assert schema(type="integer", minimum=1, maximum=9, description="A digit") == {
        "type": "integer",
        "description": 'A digit\n\n{"minimum":1,"maximum":9}',
    }
    assert schema(type="array", items={"type": "string", "format": "date"}, minItems=1) == {
        "type": "array", "items": {"type": "string", "format": "date"}, "minItems": 1,
    }  # fmt: skip
    assert schema(type="string", format="ean") == {"type": "string", "description": '{"format":"ean"}'}


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    body = rendered(response_format={"type": "json_object"})
    assert "JSON object" in body["system"][0]["text"]
    assert "output_config" not in body


@pytest.mark.parametrize("depth", (480, 2_000, 100_000))
def test_a_schema_too_deep_to_close_is_named(depth: int) -> None:
    nested = b'{"anyOf":[' * depth + b"{}" + b"]}" * depth
    body = body_of({"messages": [{"role": "user", "content": "Hi"}]})
    body["response_format"] = msgspec.Raw(b'{"type":"json_schema","json_schema":{"schema":' + nested + b"}}")
    with pytest.raises(InvalidField) as refused:
        WIRE.render_request(ChatRequest(model="m", body=body, size=1), BUDGETED, {}, Dialect())
    assert refused.value.metadata["field"].startswith("response_format")
