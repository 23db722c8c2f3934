"""Which parameters a plan fills in, and which values it refuses."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from services.router.catalog import NOTHING_CHOSEN, Chosen, Endpoint
from services.router.chat import ChatRequest
from services.router.parameters import ChosenParameters
from services.runtime.errors import InvalidField
from tests.unit.router.calls import catalog, model, planned, provider, request

GPT_4 = model("openai/gpt-4", Endpoint("openai", "gpt-4"), most=4096)
SMALL = model("openai/small", Endpoint("openai", "small"), most=1000)
CATALOG = catalog((provider("openai"),), (GPT_4, SMALL))
DEFAULTS = {"temperature": 0.7, "max_tokens": 2000, "top_p": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}


def set_to(**parameters: Any) -> Chosen:
    return Chosen(parameters=ChosenParameters(**parameters))


def raw(parameters: dict[str, Any]) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in parameters.items()}


def filled(asked: ChatRequest, settings: Chosen = NOTHING_CHOSEN) -> dict[str, Any]:
    fill = planned(asked, CATALOG, settings).fill
    return {name: msgspec.json.decode(value) for name, value in fill.items()}


def test_platform_defaults_are_not_filled_in_behind_a_client_s_back() -> None:
    assert filled(request()) == {}


def test_platform_defaults_are_filled_in_where_they_are_asked_for() -> None:
    assert filled(replace(request(), apply_defaults=True)) == DEFAULTS


def test_a_default_does_not_exceed_the_model_s_maximum() -> None:
    assert filled(replace(request("openai/small"), apply_defaults=True))["max_tokens"] == 1000


def test_the_user_s_settings_fill_what_the_request_leaves_open() -> None:
    settings = set_to(temperature=1.5, top_p=0.5)
    assert filled(request(), settings) == {"temperature": 1.5, "top_p": 0.5}
    assert filled(request(temperature=0.1), settings) == {"top_p": 0.5}
    assert filled(request(temperature=None), settings) == {"temperature": 1.5, "top_p": 0.5}


def test_request_then_settings_then_platform() -> None:
    asked = replace(request(temperature=0.1), apply_defaults=True)
    found = filled(asked, set_to(temperature=1.5, top_p=0.5))
    assert "temperature" not in found
    assert (found["top_p"], found["max_tokens"]) == (0.5, 2000)


def test_neutral_parameters_are_filled_in_before_settings() -> None:
    asked = replace(request(), parameters=raw({"temperature": 0.0, "max_tokens": 5}))
    assert filled(asked, set_to(temperature=1.5, top_p=0.5)) == {"temperature": 0.0, "max_tokens": 5, "top_p": 0.5}


def test_what_a_request_says_keeps_its_bytes() -> None:
    asked = replace(request(), parameters={"temperature": msgspec.Raw(b"0.70")})
    assert bytes(planned(asked, CATALOG, set_to(temperature=1.0)).fill["temperature"]) == b"0.70"


def test_max_completion_tokens_are_max_tokens_too() -> None:
    assert "max_tokens" not in filled(request(max_completion_tokens=5), set_to(max_tokens=100))
    assert filled(request(max_completion_tokens=None), set_to(max_tokens=100)) == {"max_tokens": 100}


@pytest.mark.parametrize(
    ("parameter", "edge"),
    (
        ("temperature", 0),
        ("temperature", 2),
        ("temperature", 1.999),
        ("max_tokens", 1),
        ("max_tokens", 4096),
        ("max_completion_tokens", 4096),
        ("top_p", 0),
        ("top_p", 1),
        ("frequency_penalty", -2),
        ("presence_penalty", 2),
    ),
)
def test_both_ends_of_a_range_are_allowed(parameter: str, edge: Any) -> None:
    assert filled(request(**{parameter: edge})) == {}


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    (
        ("temperature", 3, "0 to 2"),
        ("temperature", -0.1, "0 to 2"),
        ("temperature", "warm", "0 to 2"),
        ("temperature", True, "0 to 2"),
        ("temperature", [1], "0 to 2"),
        ("max_tokens", 0, "1 to 4096, a whole number"),
        ("max_tokens", 4097, "1 to 4096, a whole number"),
        ("max_tokens", 1.5, "1 to 4096, a whole number"),
        ("max_completion_tokens", 4097, "1 to 4096, a whole number"),
        ("top_p", 1.01, "0 to 1"),
        ("frequency_penalty", -2.5, "-2 to 2"),
        ("presence_penalty", 2.5, "-2 to 2"),
    ),
)
def test_what_is_out_of_range_is_refused_by_field_value_and_range(parameter: str, value: Any, allowed: str) -> None:
    with pytest.raises(InvalidField) as caught:
        filled(request(**{parameter: value}))
    assert caught.value.metadata == {"field": parameter, "value": str(value), "allowed": allowed}


@pytest.mark.parametrize("value", (b"1e400", b'"\xff"', b'"\\ud800"'))
def test_a_value_that_can_t_be_read_is_refused_too(value: bytes) -> None:
    asked = request()
    with pytest.raises(InvalidField, match="temperature"):
        filled(replace(asked, body=asked.body | {"temperature": msgspec.Raw(value)}))


def test_the_model_s_own_maximum_holds() -> None:
    assert filled(request(max_tokens=4000)) == {}
    with pytest.raises(InvalidField, match="1 to 1000"):
        filled(request("openai/small", max_tokens=4000))


def test_a_setting_that_exceeds_what_this_model_allows_is_refused_not_cut() -> None:
    with pytest.raises(InvalidField, match="1 to 1000"):
        filled(request("openai/small"), set_to(max_tokens=4000))


def test_a_model_of_unknown_maximum_takes_any_32_bit_number() -> None:
    assert filled(request("openai/unlisted", max_tokens=2**31 - 1)) == {}
    with pytest.raises(InvalidField):
        filled(request("openai/unlisted", max_tokens=2**31))
