import pytest

from services.catalog.addresses import base_url


@pytest.mark.parametrize(
    ("given", "kept"),
    (
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("http://127.0.0.1:8099/openai/v1/", "http://127.0.0.1:8099/openai/v1"),
        ("HTTP://[::1]:80", "HTTP://[::1]:80"),
        ("http://replay//", "http://replay"),
    ),
)
def test_a_base_url_is_kept_without_its_trailing_slash(given: str, kept: str) -> None:
    assert base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    (
        "",
        "api.openai.com/v1",
        "ftp://host/v1",
        "https:///v1",
        "https://host:0/v1",
        "https://host:99999/v1",
        "https://[::1/v1",
        "https://ada:canary@host/v1",
        "https://@host/v1",
        "https://host/v1?key=canary",
        "https://host/v1?",
        "https://host/v1#canary",
        "https://host/v 1",
        "https://host/v1\n",
        "https://hôst/v1",
    ),
)
def test_anything_else_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValueError, match="expected http://") as caught:
        base_url(given)
    assert "canary" not in str(caught.value)
