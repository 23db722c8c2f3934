import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.provider_pb2 import WireFormat
from services.catalog.key_checks import refuses_key

GEMINI, CHAT = WireFormat.WIRE_FORMAT_GEMINI, WireFormat.WIRE_FORMAT_OPENAI_CHAT
ANTHROPIC = WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES
GOOGLE_SAYS = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            },
            {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": "..."},
        ],
    }
}
XAI_SAYS = {
    "code": "Client specified an invalid argument",
    "error": "Incorrect API key provided: na***ys. You can obtain an API key from https://console.x.ai.",
}


def test_google_says_it_in_the_details_of_an_error() -> None:
    assert refuses_key(GEMINI, json.dumps(GOOGLE_SAYS).encode())
    expired = json.dumps(GOOGLE_SAYS).replace("not valid. Please pass a valid", "expired. Please renew the")
    assert refuses_key(GEMINI, expired.encode())


@pytest.mark.parametrize("wire_format", (CHAT, WireFormat.WIRE_FORMAT_OPENAI_RESPONSES))
def test_some_who_speak_openai_s_formats_say_it_in_words(wire_format: WireFormat.ValueType) -> None:
    assert refuses_key(wire_format, json.dumps(XAI_SAYS).encode())


def test_the_words_of_one_format_mean_nothing_in_another() -> None:
    assert not refuses_key(GEMINI, json.dumps(XAI_SAYS).encode())
    assert not refuses_key(ANTHROPIC, json.dumps(GOOGLE_SAYS).encode())
    assert not refuses_key(WireFormat.WIRE_FORMAT_UNSPECIFIED, json.dumps(XAI_SAYS).encode())


@pytest.mark.parametrize(
    "body",
    (
        b"",
        b"null",
        b"[]",
        b'{"error": null}',
        b'{"error": "API_KEY_INVALID"}',
        b'{"error": {"details": "API_KEY_INVALID"}}',
        b'{"error": {"details": [null, 1, "API_KEY_INVALID", {"reason": ["API_KEY_INVALID"]}]}}',
        b'{"error": {"details": [{"reason": "BILLING_DISABLED"}]}}',
        b'{"error": {"details": [{"reason": "API_KEY_INVALID"}',
        b"\xff",
        b"[" * 100_000,
    ),
)
def test_what_says_something_else_says_nothing_of_the_key(body: bytes) -> None:
    assert not refuses_key(GEMINI, body)


@given(st.binary(), st.sampled_from(list(WireFormat.values())))
def test_no_body_is_too_odd(body: bytes, wire_format: WireFormat.ValueType) -> None:
    assert refuses_key(wire_format, body) in (True, False)
