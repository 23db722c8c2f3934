from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.provider_pb2 import (
    AUTH_STYLE_BEARER,
    AUTH_STYLE_NONE,
    WIRE_FORMAT_ANTHROPIC_MESSAGES,
    WIRE_FORMAT_OPENAI_CHAT,
)
from services.catalog.entities import Provider
from services.catalog.providers import circumstances, under, with_set_keys

PEPPER = b"pepper"
OPENAI = Provider(
    name="openai",
    display_name="OpenAI",
    default_base_url="https://api.openai.com/v1",
    wire_format=WIRE_FORMAT_OPENAI_CHAT,
    auth_style=AUTH_STYLE_BEARER,
    key_variable="OPENAI_API_KEY",
    base_url_variable="OPENAI_BASE_URL",
)
ANTHROPIC = replace(OPENAI, name="anthropic", wire_format=WIRE_FORMAT_ANTHROPIC_MESSAGES)
KEYLESS = replace(OPENAI, name="local", auth_style=AUTH_STYLE_NONE, key_variable="", base_url_variable="LOCAL_BASE_URL")
HOMELESS = replace(OPENAI, name="elsewhere", default_base_url="")
KEY = "sk-canary-0123456789abcd"
SANDBOX = "http://127.0.0.1:8099"


def secrets(value: str) -> list[str]:
    return [key.secret for key in circumstances(OPENAI, {"OPENAI_API_KEY": value}, "").keys]


def labels(value: str) -> list[str]:
    return [key.label for key in circumstances(OPENAI, {"OPENAI_API_KEY": value}, "").keys]


def test_a_provider_with_a_key_is_configured_at_its_own_address() -> None:
    found = circumstances(OPENAI, {"OPENAI_API_KEY": KEY}, "")
    assert (found.configured, found.sandbox, found.base_url) == (True, False, "https://api.openai.com/v1")


@pytest.mark.parametrize("environment", ({}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": " , ,"}))
def test_a_provider_without_a_key_is_not_configured(environment: dict[str, str]) -> None:
    found = circumstances(OPENAI, environment, "")
    assert not found.configured
    assert found.keys == ()


def test_a_provider_that_takes_no_key_is_configured_by_its_base_url_variable() -> None:
    found = circumstances(KEYLESS, {"LOCAL_BASE_URL": "http://127.0.0.1:11434/v1"}, "")
    assert (found.configured, found.base_url, found.keys) == (True, "http://127.0.0.1:11434/v1", ())


@pytest.mark.parametrize("environment", ({}, {"": KEY}, {"LOCAL_BASE_URL": " "}, {"OPENAI_API_KEY": KEY}))
def test_that_a_provider_takes_no_key_does_not_say_that_there_is_one(environment: dict[str, str]) -> None:
    found = circumstances(KEYLESS, environment, "")
    assert not found.configured
    assert found.keys == ()


def test_a_provider_without_an_address_of_its_own_is_configured_when_it_has_key_and_address() -> None:
    address = "https://mine.openai.azure.com/openai/v1"
    both = circumstances(HOMELESS, {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{address}/"}, "")
    assert (both.configured, both.base_url) == (True, address)
    assert not circumstances(HOMELESS, {"OPENAI_API_KEY": KEY}, "").configured
    assert not circumstances(HOMELESS, {"OPENAI_BASE_URL": address}, "").configured


def test_several_keys_are_given_in_their_order_each_once() -> None:
    assert secrets(f" {KEY}, second ,,{KEY},third,") == [KEY, "second", "third"]


@given(st.lists(st.text("abc-_.0123456789", min_size=1, max_size=40)))
def test_labels_tell_keys_apart_and_never_tell_them(keys: list[str]) -> None:
    found = circumstances(OPENAI, {"OPENAI_API_KEY": ",".join(keys)}, "").keys
    assert len({key.label for key in found}) == len(found) == len(set(keys))
    assert all(len(key.label) < len(key.secret) / 2 or key.label.startswith("env:") for key in found)


def test_a_long_key_is_labelled_by_its_end_and_a_short_one_by_its_place() -> None:
    assert labels(f"short,{KEY}") == ["env:1", "abcd"]


def test_keys_that_end_alike_are_labelled_by_their_places() -> None:
    assert labels(f"{KEY},{KEY[:3]}{KEY}") == ["abcd", "env:2"]


def test_a_key_is_not_in_any_representation() -> None:
    found = circumstances(OPENAI, {"OPENAI_API_KEY": KEY}, "")
    assert KEY not in repr(found)
    assert KEY not in str(found)
    assert KEY not in repr(under(found, OPENAI, PEPPER))


@pytest.mark.parametrize("key", ("sk canary", "sk-canary\nx", "sk-cänary"))
def test_a_key_no_header_can_carry_stops_the_start_and_is_not_shown(key: str) -> None:
    with pytest.raises(SystemExit, match=r"^OPENAI_API_KEY: key 2 has characters") as caught:
        circumstances(OPENAI, {"OPENAI_API_KEY": f"fine,{key}"}, "")
    assert "nary" not in str(caught.value)


def test_the_base_url_variable_moves_the_provider() -> None:
    found = circumstances(OPENAI, {"OPENAI_BASE_URL": " http://replay:9000/v1/ "}, "")
    assert found.base_url == "http://replay:9000/v1"


def test_a_malformed_base_url_stops_the_start_naming_the_variable() -> None:
    with pytest.raises(SystemExit, match=r"^OPENAI_BASE_URL: expected http") as caught:
        circumstances(OPENAI, {"OPENAI_BASE_URL": "https://ada:canary@host"}, "")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("provider", "path"), ((OPENAI, "/openai/v1"), (ANTHROPIC, "/anthropic")))
def test_with_a_sandbox_a_simulated_provider_is_there_and_has_the_sandbox_s_key(provider: Provider, path: str) -> None:
    found = circumstances(provider, {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "not even an url"}, SANDBOX)
    assert (found.base_url, found.configured, found.sandbox) == (f"{SANDBOX}{path}", True, True)
    assert [(key.label, key.secret) for key in found.keys] == [("sandbox", "sandbox")]


@pytest.mark.parametrize("provider", (HOMELESS, KEYLESS))
def test_with_a_sandbox_other_providers_are_not_configured_whatever_their_keys(provider: Provider) -> None:
    found = circumstances(provider, {"OPENAI_API_KEY": KEY}, SANDBOX)
    assert (found.configured, found.sandbox, found.keys) == (False, False, ())


@pytest.mark.parametrize(
    ("provider", "environment", "configured"),
    ((OPENAI, {}, True), (HOMELESS, {}, False), (HOMELESS, {"OPENAI_BASE_URL": SANDBOX}, True), (KEYLESS, {}, False)),
)
def test_a_key_that_is_set_configures_a_provider_that_is_somewhere_and_takes_keys(
    provider: Provider, environment: dict[str, str], *, configured: bool
) -> None:
    present = under(circumstances(provider, environment, ""), provider, PEPPER, 1)
    assert present.configured is configured
    assert not with_set_keys(present, 0).configured


def test_what_a_sandbox_does_not_simulate_is_nowhere_whatever_keys_are_set() -> None:
    present = under(circumstances(HOMELESS, {}, SANDBOX), HOMELESS, PEPPER, 1)
    assert (present.base_url, present.configured) == ("", False)


def test_a_provider_shows_that_its_keys_changed_but_not_what_they_are() -> None:
    def fingerprint(value: str, pepper: bytes = PEPPER) -> bytes:
        return under(circumstances(OPENAI, {"OPENAI_API_KEY": value}, ""), OPENAI, pepper).key_fingerprint

    assert fingerprint("a,b") == fingerprint("a, b")
    assert len({fingerprint("a,b"), fingerprint("b,a"), fingerprint("a"), fingerprint("a,b", b"other")}) == 4
    assert len(fingerprint(KEY)) == 8
    assert fingerprint("") == b""


def test_the_environment_changes_nothing_else_about_a_provider() -> None:
    found = circumstances(OPENAI, {"OPENAI_API_KEY": KEY}, "")
    present = under(found, OPENAI, PEPPER)
    assert present == replace(
        OPENAI,
        configured=True,
        base_url=found.base_url,
        key_fingerprint=present.key_fingerprint,
        environment_keys=1,
    )
