from dataclasses import replace

import pytest

from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from services.catalog.entities import Provider
from services.catalog.provider_requests import headers_for, url_at

OPENAI = Provider(
    name="openai",
    display_name="OpenAI",
    default_base_url="https://api.openai.com/v1",
    base_url="http://127.0.0.1:9000/v1",
    wire_format=WireFormat.WIRE_FORMAT_OPENAI_CHAT,
    auth_style=AuthStyle.AUTH_STYLE_BEARER,
)


@pytest.mark.parametrize(
    ("path", "url"),
    (
        ("/models", "http://127.0.0.1:9000/v1/models"),
        ("models", "http://127.0.0.1:9000/v1/models"),
        ("https://elsewhere.example/models", "https://elsewhere.example/models"),
        ("", ""),
    ),
)
def test_a_path_is_relative_to_where_the_provider_is_now_unless_it_is_absolute(path: str, url: str) -> None:
    assert url_at(OPENAI, path) == url


def test_a_provider_that_is_nowhere_has_no_paths() -> None:
    assert url_at(replace(OPENAI, base_url=""), "/models") == ""


@pytest.mark.parametrize(
    ("style", "headers"),
    (
        (AuthStyle.AUTH_STYLE_BEARER, {"authorization": "Bearer key"}),
        (AuthStyle.AUTH_STYLE_X_API_KEY, {"x-api-key": "key"}),
        (AuthStyle.AUTH_STYLE_X_GOOG_API_KEY, {"x-goog-api-key": "key"}),
        (AuthStyle.AUTH_STYLE_API_KEY, {"api-key": "key"}),
        (AuthStyle.AUTH_STYLE_NONE, {}),
        (AuthStyle.AUTH_STYLE_UNSPECIFIED, {}),
    ),
)
def test_a_key_is_sent_as_the_provider_wants_it(style: AuthStyle.ValueType, headers: dict[str, str]) -> None:
    provider = replace(OPENAI, auth_style=style)
    assert headers_for(provider, "key") == {"accept": "application/json", **headers}
    assert headers_for(provider) == {"accept": "application/json"}


def test_anthropic_s_format_names_its_version() -> None:
    provider = replace(OPENAI, wire_format=WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES)
    assert headers_for(provider)["anthropic-version"] == "2023-06-01"
