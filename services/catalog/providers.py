"""What the environment of the catalog makes of a provider: where it is, whether it can be used, with which keys."""

import hashlib
import hmac
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_NONE
from services.catalog.addresses import base_url
from services.catalog.entities import Provider
from services.runtime.secret_keys import is_printable, last_four

SANDBOX_PATHS: Mapping[str, str] = MappingProxyType(
    {"openai": "/openai/v1", "openrouter": "/openrouter/api/v1", "anthropic": "/anthropic", "gemini": "/gemini"}
)
"""Where the sandbox serves the providers it simulates."""
SANDBOX_KEY = "sandbox"

_FINGERPRINT_BYTES = 8


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """One secret key of a provider; `label` recognises it without telling it."""

    label: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the environment says of one provider. `configured`: without regard to keys that are set over the API."""

    base_url: str
    configured: bool
    sandbox: bool
    keys: tuple[EnvironmentKey, ...]


def circumstances(provider: Provider, environment: Mapping[str, str], sandbox_url: str) -> Circumstances:
    """Reads a provider's variables. With a sandbox (`sandbox_url` not empty) they are not looked at: real keys are
    neither sent to it nor used beside it, and what it does not simulate is nowhere.

    A provider is configured once it is known that somebody wants it and where it is: by a key, or for one that needs
    none by its base URL variable; and it has to have a base URL, of its own or from that variable.

    Raises:
        SystemExit: a variable holds no base URL or no keys; the line printed names it, not what it holds.
    """
    if sandbox_url:
        path = SANDBOX_PATHS.get(provider.name)
        if path is None:
            return Circumstances("", configured=False, sandbox=False, keys=())
        key = EnvironmentKey(SANDBOX_KEY, SANDBOX_KEY)
        return Circumstances(sandbox_url + path, configured=True, sandbox=True, keys=(key,))
    keys = tuple(_keys(provider.key_variable, environment))
    moved_to = _moved_to(provider, environment)
    wanted = bool(moved_to) if provider.auth_style == AUTH_STYLE_NONE else bool(keys)
    address = moved_to or provider.default_base_url
    return Circumstances(
        base_url=address,
        configured=wanted and bool(address),
        sandbox=False,
        keys=keys,
    )


def under(circumstances: Circumstances, provider: Provider, pepper: bytes, set_keys: int = 0) -> Provider:
    """The provider as it is under these circumstances, with so many keys of the platform's set over the API."""
    present = replace(
        provider,
        base_url=circumstances.base_url,
        configured=circumstances.configured,
        sandbox=circumstances.sandbox,
        key_fingerprint=_fingerprint(circumstances.keys, pepper),
        environment_keys=len(circumstances.keys),
    )
    return with_set_keys(present, set_keys)


def with_set_keys(provider: Provider, set_keys: int) -> Provider:
    """The provider, with so many keys of the platform's set over the API."""
    if provider.auth_style == AUTH_STYLE_NONE:
        return provider
    return replace(provider, configured=bool(provider.base_url and provider.environment_keys + set_keys))


def _moved_to(provider: Provider, environment: Mapping[str, str]) -> str:
    """What its variable says of its base URL; empty where it says nothing."""
    value = environment.get(provider.base_url_variable, "").strip() if provider.base_url_variable else ""
    try:
        return base_url(value) if value else ""
    except ValueError as error:
        sys.exit(f"{provider.base_url_variable}: {error}")


def _keys(variable: str, environment: Mapping[str, str]) -> Iterator[EnvironmentKey]:
    """The keys in a comma-separated list, each once, in their order."""
    secrets = [part.strip() for part in environment.get(variable, "").split(",")] if variable else []
    labels: set[str] = set()
    for number, secret in enumerate(dict.fromkeys(filter(None, secrets)), 1):
        if not is_printable(secret):
            sys.exit(f"{variable}: key {number} has characters that no HTTP header can carry; expected printable ASCII")
        label = last_four(secret)
        if not label or label in labels:
            label = f"env:{number}"
        labels.add(label)
        yield EnvironmentKey(label, secret)


def _fingerprint(keys: tuple[EnvironmentKey, ...], pepper: bytes) -> bytes:
    """HMAC-SHA256 of the keys, cut short: enough to see that they changed, by which routers ask for them again."""
    if not keys:
        return b""
    secrets = "\n".join(key.secret for key in keys).encode()
    return hmac.digest(pepper, secrets, hashlib.sha256)[:_FINGERPRINT_BYTES]
