"""What keys are bound to."""

import pytest

from services.runtime.origins import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    (
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai:443"),
        ("https://OpenRouter.ai:443/x", "https://openrouter.ai:443"),
        ("HTTPS://openrouter.ai", "https://openrouter.ai:443"),
        ("http://ollama:11434/v1/chat/completions", "http://ollama:11434"),
        ("http://ollama/v1/chat/completions", "http://ollama:80"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]:443"),
        ("https://[2606:4700::1111]:8443/x", "https://[2606:4700::1111]:8443"),
    ),
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ("", "ftp://example.org", "https:///path", "openrouter.ai"))
def test_what_is_no_server_s_url_has_none(url: str) -> None:
    assert origin_of(url) == ""
