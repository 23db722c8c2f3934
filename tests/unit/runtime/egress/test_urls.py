import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.egress import EgressPolicy, check_url
from services.runtime.egress.urls import fault_of
from services.runtime.errors import InvalidField
from tests.fixtures.forbidden_hosts import FORBIDDEN_HOSTS

NOTHING_OPENED = EgressPolicy()
_PUBLIC_NAMES = {"127.0.0.1.nip.io", "127-0-0-1.sslip.io", "7f000001.nip.io", "localtest.me", "lvh.me"}
"""What only a resolver knows to lead home: refused when they are connected to."""


@pytest.mark.parametrize(
    "url",
    (
        "https://api.example.com",
        "https://api.example.com/",
        "HTTPS://API.Example.COM/v1",
        "https://api.example.com:8443/v1/chat/completions",
        "https://api.example.com/v1?api-version=2026-01-01&x=%20",
        "https://api.example.com?x=1",
        "https://xn--mller-kva.example/v1",
        "https://my_model.example.com/v1",
        "https://8.8.8.8/v1",
        "https://[2606:4700::1]:8443/v1",
        "https://127.0.0.1.nip.io/",
    ),
)
def test_a_public_https_url_is_taken(url: str) -> None:
    check_url(NOTHING_OPENED, "api_endpoint", url)


@pytest.mark.parametrize("host", sorted(set(FORBIDDEN_HOSTS) - _PUBLIC_NAMES))
def test_a_forbidden_host_is_refused_in_every_spelling(host: str) -> None:
    for url in (f"https://{host}/v1", f"https://{host}:8443/v1", f"http://{host}", f"https://{host}:443"):
        with pytest.raises(InvalidField):
            check_url(NOTHING_OPENED, "api_endpoint", url)


@pytest.mark.parametrize(
    "url",
    (
        "",
        "api.example.com",
        "//api.example.com/v1",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "gopher://api.example.com",
        "unix:///var/run/docker.sock",
        "https:/api.example.com",
        "https:api.example.com",
        "https:///v1",
        "https://",
        "https://:443/v1",
        "https://api.example.com:/v1",
        "https://api.example.com:0/v1",
        "https://api.example.com:0443/v1",
        "https://api.example.com:65536/v1",
        "https://api.example.com:4４3/v1",  # noqa: RUF001 - that is the point
        "https://api.example.com:443:80/v1",
        "https://api.example.com./v1",
        "https://api..example.com/v1",
        "https://api.example.com\\@evil.example/",
        "https://user@api.example.com/v1",
        "https://user:password@api.example.com/v1",
        "https://@api.example.com/v1",
        "https://api.example.com#@evil.example/",
        "https://api.example.com/v1#top",
        "https://api.example.com/a b",
        "https://api.example.com/\r\nx: y",
        "https://api.example.com/v1\n",
        " https://api.example.com/v1",
        "\thttps://api.example.com/v1",
        "https://api.exa\tmple.com/v1",
        "https://äpi.example.com/v1",
        "https://api.example.com/ä",
        "https://[2606:4700::1/v1",
        "https://2606:4700::1/v1",
        "https://[api.example.com]/v1",
        "https://[v1.fe80::a]/v1",
        f"https://api.example.com/{'a' * 2_048}",
        f"https://{'a' * 64}.example.com/v1",
        f"https://{'a.' * 130}com/v1",
    ),
)
def test_what_two_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(InvalidField):
        check_url(NOTHING_OPENED, "api_endpoint", url)


def test_the_error_names_the_field_the_value_and_what_is_expected() -> None:
    with pytest.raises(InvalidField) as refused:
        check_url(NOTHING_OPENED, "webhook_url", "https://10.0.0.1/hook")
    assert refused.value.metadata == {
        "field": "webhook_url",
        "value": "https://10.0.0.1/hook",
        "allowed": "expected a public host; others need an entry by the operator in PANTHEON_EGRESS_ALLOW",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    (
        ("http://api.example.com/v1", "expected https://"),
        ("http://8.8.8.8/v1", "expected https://"),
        ("https://api.example.com:22/v1", "expected port 443, or 1024 to 65535"),
        ("https://8.8.8.8:25/v1", "expected port 443, or 1024 to 65535"),
        ("https://ollama/v1", "expected a public host"),
        ("https://127.1/v1", "an address as 192.0.2.1"),
    ),
)
def test_the_error_says_what_is_wrong(url: str, expected: str) -> None:
    assert expected in (fault_of(NOTHING_OPENED, url) or "")


def test_the_error_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(InvalidField) as refused:
        check_url(NOTHING_OPENED, "api_endpoint", "https://user:canary-1@10.0.0.1/v1?key=canary-2#canary-3")
    assert "canary" not in str(refused.value)
    assert "canary" not in str(refused.value.metadata)


@pytest.mark.parametrize(
    ("opened", "url"),
    (
        ("ollama", "http://ollama:11434/v1"),
        ("ollama:11434", "http://OLLAMA:11434/v1"),
        ("ollama.internal", "http://ollama.internal/v1"),
        ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("::1", "http://[::1]:11434/v1"),
        ("10.0.0.0/8", "http://10.1.2.3/v1"),
        ("10.0.0.0/8", "https://llm.corp.internal/v1"),
        ("10.0.0.0/8", "https://llm.corp.internal:80/v1"),
    ),
)
def test_what_the_operator_opened_is_taken(opened: str, url: str) -> None:
    check_url(EgressPolicy.parse(opened), "api_endpoint", url)


@pytest.mark.parametrize(
    ("opened", "url"),
    (
        ("ollama:11434", "http://ollama:11435/v1"),
        ("ollama", "http://other/v1"),
        ("ollama", "http://ollama./v1"),
        ("127.0.0.1:11434", "http://127.0.0.1:11435/v1"),
        ("127.0.0.1:11434", "http://127.0.0.2:11434/v1"),
        ("127.0.0.1", "http://127.1/v1"),
        ("127.0.0.1", "http://2130706433/v1"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/v1"),
        ("10.0.0.0/8", "http://llm.corp.internal/v1"),
        ("10.0.0.0/8", "https://11.0.0.1:80/v1"),
    ),
)
def test_nothing_beside_it_is(opened: str, url: str) -> None:
    with pytest.raises(InvalidField):
        check_url(EgressPolicy.parse(opened), "api_endpoint", url)


@given(st.text(alphabet=st.sampled_from("htps:/@#?%.[]0x17afe\\ \t。①-")))
def test_any_text_has_an_answer(text: str) -> None:
    for url in (text, f"https://{text}", f"https://127.0.0.1{text}"):
        fault_of(NOTHING_OPENED, url)
