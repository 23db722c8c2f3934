"""From the address that a custom model is given, whole, to the base URL that its wire format adds to. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pantheon.catalog.v1 import provider_pb2
from services.catalog.custom_model_entities import Description
from services.catalog.custom_models import slug
from services.catalog.entities import Provider
from services.runtime.egress import EgressPolicy, check_url
from services.runtime.errors import InvalidField
from services.runtime.origins import PORTS

_ENDINGS: Mapping[provider_pb2.WireFormat.ValueType, str] = MappingProxyType(
    {
        provider_pb2.WIRE_FORMAT_OPENAI_CHAT: "/chat/completions",
        provider_pb2.WIRE_FORMAT_OPENAI_RESPONSES: "/responses",
        provider_pb2.WIRE_FORMAT_ANTHROPIC_MESSAGES: "/v1/messages",
        provider_pb2.WIRE_FORMAT_GEMINI: "/v1beta/models/<name>:generateContent",
    }
)
"""What each wire format adds to a base URL; see `pantheon.catalog.v1.WireFormat`."""

_BASE = r"(?P<base>[A-Za-z]+://[^?#]*[^/?#])"
_MODEL = r"(?P<model>[A-Za-z0-9._~@-]+)"
"""A model's name in a path that needs no escapes there."""
_VERSION = "v1beta"
_IS_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
"""The wire format leaves the version out where the base has one already, as Vertex AI's and gateways' do."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A description with its `provider_model_id` filled in, and where it leads."""

    description: Description
    base_url: str
    provider_hosted: bool


def placed(description: Description, provider: Provider, policy: EgressPolicy | None) -> Placement:
    """Where a model's requests go. `policy` judges an address that is not the provider's own; None: not anew.

    What the address's name resolves to is not looked at.

    Raises:
        InvalidField: the address may not be connected to, or is not one of the provider's wire format; or the model it
            names is not the one that is to be asked for.
    """
    ending = _ENDINGS.get(provider.wire_format)
    if ending is None:
        raise InvalidField("provider", provider.name, "a provider that requests can be sent to")
    endpoint = description.api_endpoint
    parts = re.fullmatch(_BASE + re.escape(ending).replace("<name>", _MODEL), endpoint)
    named = parts.groupdict().get("model") if parts else None
    base_url = _base_url(parts["base"], versioned=named is not None) if parts else ""
    hosted = parts is not None and is_hosted(base_url, provider)
    if policy is not None and not hosted:
        check_url(policy, "api_endpoint", endpoint)
    if parts is None:
        allowed = f"a URL that ends in {ending}, as provider {provider.name}'s wire format has it, and no query"
        # A query may hold a key.
        raise InvalidField("api_endpoint", re.split(r"[?#]", endpoint, maxsplit=1)[0], allowed)
    called = description.provider_model_id
    if named and called not in ("", named):
        raise InvalidField("provider_model_id", called, f"{named}, which api_endpoint names, or empty")
    called = called or named or slug(description.model_id)
    return Placement(replace(description, provider_model_id=called), base_url, hosted)


def is_hosted(base_url: str, provider: Provider) -> bool:
    """Whether it is the provider's own address: where it is by nature, or where the operator has it.

    A local server that the operator does not have is nobody's: its address is this machine, which users may not reach
    by its name.
    """
    if provider.auth_style == provider_pb2.AUTH_STYLE_NONE and not provider.configured:
        return False
    return base_url in (_plain(provider.default_base_url), _plain(provider.base_url))


def _base_url(base: str, *, versioned: bool) -> str:
    if versioned and any(_IS_VERSION.fullmatch(segment) for segment in base.split("/")[3:]):
        base = f"{base}/{_VERSION}"
    return _plain(base)


def _plain(url: str) -> str:
    """With scheme and host in lower case and no port that goes without saying, as what is compared and connected to."""
    scheme, colon, rest = url.partition("://")
    scheme = scheme.lower()
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.lower().removesuffix(f':{PORTS.get(scheme)}')}{slash}{path}"
