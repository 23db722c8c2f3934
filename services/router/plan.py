"""From what a request asks for to where it can be sent: names resolved, providers in order. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.router.catalog import Catalog, Endpoint, Model, Provider, Settings
from services.router.chat import Body, ChatRequest, Format
from services.router.filling import fill_in
from services.router.wire.base import WireFormat
from services.runtime.errors import InvalidField, ModelNotFound, NoEndpoint, PantheonError, UnsupportedFeature

AUTO = "auto"
_MODEL_LENGTH = 256


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
    return Plan(model_id, candidates, fill_in(request, settings, most))


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
