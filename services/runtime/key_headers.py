"""How a key is sent to whoever is to be let in by it: in one header, by the `AuthStyle` that was agreed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pantheon.catalog.v1.provider_pb2 import AuthStyle


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """The header's name, in lower case, and what stands in it before the key. No name: no key is sent."""

    name: str
    prefix: str = ""


KEY_HEADERS: Mapping[int, KeyHeader] = MappingProxyType(
    {
        AuthStyle.AUTH_STYLE_BEARER: KeyHeader("authorization", "Bearer "),
        AuthStyle.AUTH_STYLE_X_API_KEY: KeyHeader("x-api-key"),
        AuthStyle.AUTH_STYLE_X_GOOG_API_KEY: KeyHeader("x-goog-api-key"),
        AuthStyle.AUTH_STYLE_API_KEY: KeyHeader("api-key"),
        AuthStyle.AUTH_STYLE_NONE: KeyHeader(""),
    }
)
