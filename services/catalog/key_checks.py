"""Asks a provider whether it takes a key. Nothing of what it answers but the verdict is kept, logged or passed on."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import msgspec

from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_RATE_LIMITED,
    PROVIDER_KEY_STATUS_UNSPECIFIED,
    PROVIDER_KEY_STATUS_VALID,
    ProviderKeyStatus,
)
from pantheon.catalog.v1.provider_pb2 import WireFormat
from services.catalog.entities import Provider
from services.catalog.provider_requests import headers_for, url_at
from services.runtime.logging import get_logger

_SECONDS = 8.0
"""Less than the ten after which a caller that names no deadline gives up."""
_MOST_BYTES = 64 * 1024
_BY_STATUS: Mapping[int, ProviderKeyStatus.ValueType] = {
    200: PROVIDER_KEY_STATUS_VALID,
    401: PROVIDER_KEY_STATUS_INVALID,
    403: PROVIDER_KEY_STATUS_INVALID,
    429: PROVIDER_KEY_STATUS_RATE_LIMITED,
}
_BAD_REQUEST = 400
_BAD_KEY_REASON = "API_KEY_INVALID"
_BAD_KEY_WORDS = (b"incorrect api key", b"invalid api key")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `asked` is whether anybody was asked; `http_status` 0: nobody answered."""

    status: ProviderKeyStatus.ValueType = PROVIDER_KEY_STATUS_UNSPECIFIED
    asked: bool = True
    http_status: int = 0


class _Error(msgspec.Struct):
    details: Any = None


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


_google = msgspec.json.Decoder(_Refusal)


async def ask_about(provider: Provider, secret: str, http: httpx.AsyncClient, *, seconds: float = _SECONDS) -> Verdict:
    """The provider's word, at its present base URL, within these seconds; never raises for what it meets."""
    url = url_at(provider, provider.key_check_url)
    if not url:
        return Verdict(asked=False)
    # What is packed could be gigabytes.
    headers = {**headers_for(provider, secret), "accept-encoding": "identity"}
    try:
        async with (
            asyncio.timeout(seconds),
            http.stream("GET", url, headers=headers, follow_redirects=False) as response,
        ):
            verdict = Verdict(await _status(provider, response), http_status=response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as failure:
        get_logger().warning("provider_key.unanswered", provider=provider.name, error=type(failure).__name__)
        return Verdict()
    get_logger().info(
        "provider_key.checked",
        provider=provider.name,
        http_status=verdict.http_status,
        status=ProviderKeyStatus.Name(verdict.status),
    )
    return verdict


def refuses_key(wire_format: WireFormat.ValueType, body: bytes) -> bool:
    """Whether the body of a bad request says, in the words of this format, that the key is a bad one."""
    said = _REFUSALS.get(wire_format)
    return said is not None and said(body)


async def _status(provider: Provider, response: httpx.Response) -> ProviderKeyStatus.ValueType:
    if response.status_code == _BAD_REQUEST and refuses_key(provider.wire_format, await _beginning(response)):
        return PROVIDER_KEY_STATUS_INVALID
    return _BY_STATUS.get(response.status_code, PROVIDER_KEY_STATUS_UNSPECIFIED)


async def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) >= _MOST_BYTES:
            break
    return bytes(body[:_MOST_BYTES])


def _google_refuses(body: bytes) -> bool:
    """Google Cloud API design, "Errors": google.rpc.Status with an ErrorInfo; also of keys that have expired."""
    try:
        details = _google.decode(body).error.details
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    reasons = (
        (detail.get("reason") for detail in details if isinstance(detail, dict)) if isinstance(details, list) else ()
    )
    return _BAD_KEY_REASON in reasons


def _openai_refuses(body: bytes) -> bool:
    """Some who speak OpenAI's format answer 400 with its words, wherever in the body they put them (xAI)."""
    said = body.lower()
    return any(words in said for words in _BAD_KEY_WORDS)


_REFUSALS: Mapping[int, Callable[[bytes], bool]] = {
    WireFormat.WIRE_FORMAT_GEMINI: _google_refuses,
    WireFormat.WIRE_FORMAT_OPENAI_CHAT: _openai_refuses,
    WireFormat.WIRE_FORMAT_OPENAI_RESPONSES: _openai_refuses,
}
