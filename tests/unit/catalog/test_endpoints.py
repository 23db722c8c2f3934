"""Where a custom model's endpoint leads: each wire format's address, and what is none."""

from dataclasses import replace

import pytest

from pantheon.catalog.v1.provider_pb2 import (
    AUTH_STYLE_BEARER,
    AUTH_STYLE_NONE,
    WIRE_FORMAT_ANTHROPIC_MESSAGES,
    WIRE_FORMAT_GEMINI,
    WIRE_FORMAT_OPENAI_CHAT,
    WIRE_FORMAT_OPENAI_RESPONSES,
    WIRE_FORMAT_UNSPECIFIED,
    WireFormat,
)
from services.catalog.custom_model_entities import Description
from services.catalog.endpoints import Placement, placed
from services.catalog.entities import Provider
from services.router.wire.gemini.addresses import method_url
from services.runtime.egress import EgressPolicy
from services.runtime.errors import InvalidField

CHAT, RESPONSES = WIRE_FORMAT_OPENAI_CHAT, WIRE_FORMAT_OPENAI_RESPONSES
MESSAGES, GEMINI = WIRE_FORMAT_ANTHROPIC_MESSAGES, WIRE_FORMAT_GEMINI
NOTHING_OPEN = EgressPolicy()


def provider(wire_format: WireFormat.ValueType = CHAT, **other: object) -> Provider:
    plain = Provider(
        name="acme",
        display_name="Acme",
        default_base_url="https://api.acme.example/v1",
        base_url="https://api.acme.example/v1",
        wire_format=wire_format,
        auth_style=AUTH_STYLE_BEARER,
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # its own fields


def place(
    endpoint: str,
    at: Provider | None = None,
    *,
    called: str = "",
    policy: EgressPolicy | None = NOTHING_OPEN,
) -> Placement:
    description = Description(
        model_id="custom/my-model", name="Mine", provider="acme", api_endpoint=endpoint, provider_model_id=called
    )
    return placed(description, at or provider(), policy)


def refusal(endpoint: str, at: Provider | None = None, **other: str) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        place(endpoint, at, **other)  # type: ignore[arg-type]  # only `called`
    return caught.value.metadata


@pytest.mark.parametrize(
    ("wire_format", "endpoint", "base_url", "called"),
    (
        (CHAT, "https://models.example/v1/chat/completions", "https://models.example/v1", "my-model"),
        (CHAT, "https://models.example/chat/completions", "https://models.example", "my-model"),
        (CHAT, "https://models.example:8443/a/b/chat/completions", "https://models.example:8443/a/b", "my-model"),
        (CHAT, "HTTPS://Models.Example/V1/chat/completions", "https://models.example/V1", "my-model"),
        (CHAT, "https://models.example:443/v1/chat/completions", "https://models.example/v1", "my-model"),
        (CHAT, "https://models.example:8080/v1/chat/completions", "https://models.example:8080/v1", "my-model"),
        (CHAT, "https://[2606:4700::443]/v1/chat/completions", "https://[2606:4700::443]/v1", "my-model"),
        (CHAT, "https://[2606:4700::1111]/v1/chat/completions", "https://[2606:4700::1111]/v1", "my-model"),
        (RESPONSES, "https://models.example/v1/responses", "https://models.example/v1", "my-model"),
        (MESSAGES, "https://models.example/v1/messages", "https://models.example", "my-model"),
        (MESSAGES, "https://models.example/anthropic/v1/messages", "https://models.example/anthropic", "my-model"),
        (GEMINI, "https://models.example/v1beta/models/g-pro:generateContent", "https://models.example", "g-pro"),
        (
            GEMINI,
            "https://gateway.example/v1/me/gemini/v1beta/models/g-1.5@2:generateContent",
            "https://gateway.example/v1/me/gemini/v1beta",
            "g-1.5@2",
        ),
    ),
)
def test_the_base_url_is_the_endpoint_without_what_the_wire_format_adds(
    wire_format: WireFormat.ValueType, endpoint: str, base_url: str, called: str
) -> None:
    found = place(endpoint, provider(wire_format))
    assert (found.base_url, found.provider_hosted) == (base_url, False)
    assert found.description.provider_model_id == called
    assert found.description.api_endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    (
        "https://models.example/v1beta/models/g-pro:generateContent",
        "https://gateway.example/v1/me/v1beta/models/g-1.5@2:generateContent",
        "https://gateway.example/v2alpha/v1beta/models/a.b_c~d:generateContent",
    ),
)
def test_gemini_s_wire_format_makes_the_endpoint_again_of_base_url_and_model(endpoint: str) -> None:
    found = place(endpoint, provider(GEMINI))
    assert method_url(found.base_url, found.description.provider_model_id, "generateContent") == endpoint


@pytest.mark.parametrize(
    ("wire_format", "path", "ending"),
    (
        (CHAT, "", "/chat/completions"),
        (CHAT, "/", "/chat/completions"),
        (CHAT, "/v1", "/chat/completions"),
        (CHAT, "/v1/", "/chat/completions"),
        (CHAT, "/v1/completions", "/chat/completions"),
        (CHAT, "/v1/chat/completions/", "/chat/completions"),
        (CHAT, "/v1//chat/completions", "/chat/completions"),
        (CHAT, "/v1/Chat/Completions", "/chat/completions"),
        (CHAT, "/v1/chat/completions?key=secret", "/chat/completions"),
        (CHAT, "/v1?to=/chat/completions", "/chat/completions"),
        (CHAT, "/v1/responses", "/chat/completions"),
        (RESPONSES, "/v1/chat/completions", "/responses"),
        (MESSAGES, "/v1/chat/completions", "/v1/messages"),
        (MESSAGES, "/messages", "/v1/messages"),
        (GEMINI, "/v1beta/models/g-pro", "/v1beta/models/<name>:generateContent"),
        (GEMINI, "/v1beta/models/g-pro:streamGenerateContent", "/v1beta/models/<name>:generateContent"),
        (GEMINI, "/v1/models/g-pro:generateContent", "/v1beta/models/<name>:generateContent"),
        (GEMINI, "/v1beta/models/:generateContent", "/v1beta/models/<name>:generateContent"),
        (GEMINI, "/v1beta/models/a%2Fb:generateContent", "/v1beta/models/<name>:generateContent"),
        (GEMINI, "/v1beta/tunedModels/x:generateContent", "/v1beta/models/<name>:generateContent"),
    ),
)
def test_an_endpoint_that_the_wire_format_would_not_make_is_refused_with_what_it_has_to_end_in(
    wire_format: WireFormat.ValueType, path: str, ending: str
) -> None:
    metadata = refusal(f"https://models.example{path}", provider(wire_format))
    assert (metadata["field"], metadata["value"]) == ("api_endpoint", f"https://models.example{path.partition('?')[0]}")
    assert metadata["allowed"] == (f"a URL that ends in {ending}, as provider acme's wire format has it, and no query")


@pytest.mark.parametrize(
    "endpoint",
    (
        "",
        "models.example/v1/chat/completions",
        "https:/chat/completions",
        "https://chat/completions",
        "ftp://models.example/v1/chat/completions",
        "http://models.example/v1/chat/completions",
        "https://user:password@models.example/v1/chat/completions",
        "https://models.example:80/v1/chat/completions",
        "https://models.example/v1/chat/completions#x",
        "https://127.0.0.1/v1/chat/completions",
        "https://127.1/v1/chat/completions",
        "https://0x7f000001/v1/chat/completions",
        "https://10.0.0.1/v1/chat/completions",
        "https://169.254.169.254/v1/chat/completions",
        "https://[::1]/v1/chat/completions",
        "https://[::ffff:10.0.0.1]/v1/chat/completions",
        "https://[64:ff9b::a00:1]/v1/chat/completions",
        "https://localhost/v1/chat/completions",
        "https://metadata.google.internal/v1/chat/completions",
        "https://intranet/v1/chat/completions",
        "https://models.example./v1/chat/completions",
    ),
)
def test_an_endpoint_that_may_not_be_connected_to_is_refused_at_once(endpoint: str) -> None:
    metadata = refusal(endpoint)
    assert metadata["field"] == "api_endpoint"
    assert "password" not in str(metadata)
    assert metadata["allowed"].startswith("expected ")


def test_what_the_operator_opened_may_be_connected_to() -> None:
    for allowed, endpoint in (
        ("ollama:11434", "http://ollama:11434/v1/chat/completions"),
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        ("10.0.0.0/8", "https://10.0.0.1/v1/chat/completions"),
    ):
        assert not place(endpoint, policy=EgressPolicy.parse(allowed)).provider_hosted


def test_an_endpoint_that_is_not_written_is_not_judged_anew() -> None:
    assert place("https://10.0.0.1/v1/chat/completions", policy=None).base_url == "https://10.0.0.1/v1"


@pytest.mark.parametrize(
    "base_url",
    (
        "https://api.acme.example/v1",
        "https://API.acme.example/v1",
        "https://api.acme.example:443/v1",
        "http://127.0.0.1:8099/acme",
    ),
)
def test_an_endpoint_is_the_provider_s_own_where_it_is_by_nature_or_where_the_operator_has_it(base_url: str) -> None:
    moved = provider(base_url="http://127.0.0.1:8099/acme")
    assert place(f"{base_url}/chat/completions", moved).provider_hosted


def test_the_operator_may_spell_the_provider_s_address_otherwise_too() -> None:
    moved = provider(base_url="HTTP://Acme.Internal:80/v1")
    for host in ("acme.internal", "acme.internal:80"):
        assert place(f"http://{host}/v1/chat/completions", moved).provider_hosted


@pytest.mark.parametrize(
    "endpoint",
    (
        "https://api.acme.example/v2/chat/completions",
        "https://api.acme.example:8443/v1/chat/completions",
        "https://api.acme.example.evil.example/v1/chat/completions",
    ),
)
def test_what_only_looks_like_the_provider_s_endpoint_is_not(endpoint: str) -> None:
    assert not place(endpoint).provider_hosted


def test_a_local_server_is_reached_by_its_usual_address_only_if_the_operator_has_one() -> None:
    usual = "http://127.0.0.1:11434/v1"
    local = provider(auth_style=AUTH_STYLE_NONE, default_base_url=usual, base_url=usual)
    assert refusal(f"{usual}/chat/completions", local)["field"] == "api_endpoint"
    assert place(f"{usual}/chat/completions", replace(local, configured=True)).provider_hosted


def test_a_provider_without_an_address_of_its_own_hosts_nothing() -> None:
    nowhere = provider(default_base_url="", base_url="")
    assert not place("https://me.azure.example/openai/v1/chat/completions", nowhere).provider_hosted


def test_what_the_endpoint_calls_the_model_may_be_said() -> None:
    found = place("https://models.example/v1/chat/completions", called="Vendor/Model:7b")
    assert found.description.provider_model_id == "Vendor/Model:7b"


def test_gemini_s_endpoint_and_the_model_s_name_agree() -> None:
    endpoint = "https://models.example/v1beta/models/g-pro:generateContent"
    assert place(endpoint, provider(GEMINI), called="g-pro").description.provider_model_id == "g-pro"
    assert refusal(endpoint, provider(GEMINI), called="g-ultra") == {
        "field": "provider_model_id",
        "value": "g-ultra",
        "allowed": "g-pro, which api_endpoint names, or empty",
    }


def test_a_provider_that_nothing_is_sent_to_is_refused() -> None:
    metadata = refusal("https://models.example/v1/chat/completions", provider(WIRE_FORMAT_UNSPECIFIED))
    assert (metadata["field"], metadata["value"]) == ("provider", "acme")
