"""From what a request asks for to where it can be sent: names resolved, parameters merged and checked. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import msgspec

from services.parameters import RANGES, Range
from services.rating import CompiledPrice
from services.router.chat import Body, ChatRequest, Format
from services.router.wire.base import Dialect, WireFormat
from services.runtime.errors import InvalidField, ModelNotFound, NoEndpoint, PantheonError, UnsupportedFeature

AUTO = "auto"
_MODEL_LENGTH = 256
_KNOWN_MAXIMA = 1_024
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")
_CHAT_FORMATS = {Format.CHAT, Format.RESPONSES, Format.MESSAGES}
_OTHER_MAX_TOKENS = {Format.CHAT: "max_completion_tokens", Format.RESPONSES: "max_output_tokens"}


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is and how to talk to it: `wires` has the format to use for each format of a request."""

    name: str
    base_url: str
    wires: Mapping[Format, WireFormat]
    dialect: Dialect
    key_header: str
    key_prefix: str
    configured: bool
    sandbox: bool
    aggregates_vendors: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's offer of a model. `prices` are oldest first; none means unpriced."""

    provider: str
    provider_model_id: str
    prices: tuple[CompiledPrice, ...] = ()

    def price_at(self, when: datetime) -> CompiledPrice | None:
        """The price in force at that moment; None where none is known."""
        for price in reversed(self.prices):
            if price.version.effective <= when:
                return price
        return None


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the catalog."""

    id: str
    endpoints: tuple[Endpoint, ...]
    max_output_tokens: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user has chosen. `fill` holds the parameters set, as JSON."""

    preferred_model: str = ""
    fill: Mapping[str, msgspec.Raw] = field(default_factory=dict)


@dataclass(slots=True)
class Catalog:
    """What is known of providers and models."""

    providers: dict[str, Provider] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Model | None:
        """By canonical id or alias."""
        return self.models.get(name) or self.models.get(self.aliases.get(name, ""))

    def usable(self, provider: str) -> Provider | None:
        """A provider that is configured and speaks a format known here."""
        found = self.providers.get(provider)
        return found if found is not None and found.configured and found.wires else None


class Candidate(msgspec.Struct, frozen=True):
    """One way to send a request: where, and in which format."""

    provider: Provider
    endpoint: Endpoint
    wire: WireFormat


class Plan(msgspec.Struct, frozen=True):
    """Where to send a request, best first, and what to fill in."""

    model: str
    candidates: Sequence[Candidate]
    fill: Body


def make_plan(request: ChatRequest, catalog: Catalog, settings: Settings) -> Plan:
    """Decides, without touching anything.

    Raises:
        ModelNotFound: no model of this name, and no provider it could be meant for.
        NoEndpoint: no configured provider offers it, or none of those the request names.
        UnsupportedFeature: none that does serves requests of this format.
        InvalidField: a parameter is out of range.
    """
    name = request.model
    if name == AUTO:
        if not settings.preferred_model:
            raise InvalidField("model", AUTO, "a model, or `auto` with preferred_model set in the user's settings")
        name = settings.preferred_model
    model = catalog.find(name)
    if model is None:
        endpoints, model_id, most = _unlisted(name, catalog), name, None
    else:
        endpoints, model_id, most = (*model.endpoints, *_own(model, catalog)), model.id, model.max_output_tokens
    providers = [(found, endpoint) for endpoint in endpoints if (found := catalog.usable(endpoint.provider))]
    speaking = list(_speaking(providers, request.format))
    candidates = _order(speaking, request)
    if not candidates:
        raise NoEndpoint(model_id) if speaking or not providers else _unserved(model_id, request.format)
    return Plan(model_id, candidates, _fill(request, settings, most))


def _speaking(providers: Iterable[tuple[Provider, Endpoint]], asked: Format) -> Iterator[Candidate]:
    for provider, endpoint in providers:
        wire = provider.wires.get(asked)
        if wire is not None:
            yield Candidate(provider, endpoint, wire)


def _unserved(model: str, asked: Format) -> PantheonError:
    """Why a model with providers has no candidates."""
    return UnsupportedFeature(f"No provider of {model!r} serves {asked.value}", model=model, format=asked.value)


def _own(model: Model, catalog: Catalog) -> Sequence[Endpoint]:
    """The endpoint of the provider that has the vendor's name, for a model that the catalog lists only with others."""
    vendor, _, rest = model.id.partition("/")
    listed = any(endpoint.provider == vendor for endpoint in model.endpoints)
    return () if listed or not catalog.usable(vendor) else (Endpoint(vendor, rest),)


def _unlisted(name: str, catalog: Catalog) -> Sequence[Endpoint]:
    """Endpoints for a `<vendor>/<name>` the catalog does not list: the provider of that name, then aggregators."""
    vendor, _, rest = name.partition("/")
    # The name goes into headers, the journal and the ledger: what no provider calls a model stops here.
    if not vendor or not rest or len(name) > _MODEL_LENGTH or not (name.isascii() and name.isprintable()):
        raise ModelNotFound(name)
    endpoints = [Endpoint(vendor, rest)] if catalog.usable(vendor) else []
    endpoints += [
        Endpoint(provider.name, name)
        for provider in catalog.providers.values()
        if provider.aggregates_vendors and provider.name != vendor and catalog.usable(provider.name)
    ]
    if not endpoints and vendor not in catalog.providers:
        raise ModelNotFound(name)
    return endpoints


def _order(candidates: list[Candidate], request: ChatRequest) -> Sequence[Candidate]:
    if request.providers:
        rank = {name: place for place, name in enumerate(request.providers)}
        candidates = [candidate for candidate in candidates if candidate.provider.name in rank]
        candidates.sort(key=lambda candidate: rank[candidate.provider.name])
    return candidates if request.fallback else candidates[:1]


def _fill(request: ChatRequest, settings: Settings, most_tokens: int | None) -> Body:
    """The parameters the body leaves open: the request's neutral ones, the user's settings, then (if asked for) the
    platform's defaults. What is set is checked, whoever set it: a model may allow less than the one it was set for.
    """
    fill: Body = {}
    if request.format not in _CHAT_FORMATS:
        return fill
    for name, allowed in RANGES.items():
        if name == "max_tokens":
            allowed = _up_to(most_tokens) if most_tokens else allowed  # noqa: PLW2901 - the model's own range
        field_name, given = _given(request, name)
        if given is None:
            given = request.parameters.get(name) or settings.fill.get(name)
            if given is None and request.apply_defaults:
                given = msgspec.Raw(_encode(min(allowed.default, allowed.maximum)))
            if given is None:
                continue
            fill[name] = given
        _check(field_name, given, allowed)
    return fill


@lru_cache(_KNOWN_MAXIMA)
def _up_to(most_tokens: int) -> Range:
    return replace(RANGES["max_tokens"], maximum=most_tokens)


def _given(request: ChatRequest, name: str) -> tuple[str, msgspec.Raw | None]:
    """What the request itself says, and under which name: max_tokens has others in OpenAI's formats."""
    body = request.body
    if name == "max_tokens" and (other := _OTHER_MAX_TOKENS.get(request.format)) and body.get(other, _NULL) != _NULL:
        return other, body[other]
    given = body.get(name)
    return name, None if given is None or given == _NULL else given


def _check(name: str, given: msgspec.Raw, allowed: Range) -> None:
    try:
        value = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = bytes(given).decode("utf-8", "replace")
    if not allowed.holds(value):
        raise InvalidField(name, value, allowed.allowed)
