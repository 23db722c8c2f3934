"""How the catalog asks a provider something other than completions: where, and with which headers."""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType

import httpx2 as httpx

from pantheon.catalog.v1.provider_pb2 import WIRE_FORMAT_ANTHROPIC_MESSAGES
from services.catalog.entities import Provider
from services.runtime.key_headers import KEY_HEADERS, KeyHeader

_BY_FORMAT: Mapping[int, Mapping[str, str]] = MappingProxyType(
    {WIRE_FORMAT_ANTHROPIC_MESSAGES: {"anthropic-version": "2023-06-01"}}
)
"""What must be said in every request of a wire format. Anthropic API reference, "Versions"."""
_NO_KEY = KeyHeader("")
_SECONDS = 20.0


def provider_client() -> httpx.AsyncClient:
    """What providers are asked with. No cookie: what one key was told must not go along with another."""
    return httpx.AsyncClient(
        timeout=_SECONDS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def url_at(provider: Provider, path: str) -> str:
    """Where a path of the provider's row is: relative to its present base URL unless absolute. Empty: nowhere."""
    if not path or path.startswith(("https://", "http://")):
        return path
    return f"{provider.base_url}/{path.removeprefix('/')}" if provider.base_url else ""


def headers_for(provider: Provider, secret: str = "") -> dict[str, str]:
    """The headers of a request to the provider, its key among them if one is given."""
    headers = {"accept": "application/json", **_BY_FORMAT.get(provider.wire_format, {})}
    header = KEY_HEADERS.get(provider.auth_style, _NO_KEY)
    if header.name and secret:
        headers[header.name] = header.prefix + secret
    return headers
