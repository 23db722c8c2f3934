"""From what a request asks for to where it can be sent: names resolved, providers in order. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from services.rating import CompiledPrice, PriceOverride
from services.router.catalog import Caller, Catalog, CustomModel, Endpoint, Key, Model, Provider
from services.router.chat import Body, ChatRequest, Format
from services.router.choice import AUTO, choose, is_auto
from services.router.filling import fill_in
from services.router.offers import listed, unlisted
from services.router.parameters import platform_parameters
from services.router.prices import price_under
from services.router.window import check_fits
from services.router.wire.base import WireFormat
from services.runtime.errors import ModelNotFound, NoEndpoint, PantheonError, UnsupportedFeature
from services.runtime.origins import origin_of

_CUSTOM = "custom/"
_NO_PLAIN_NAMES = (AUTO, _CUSTOM)


class Candidate(msgspec.Struct, frozen=True):
    """One way to send a request: where, and in which format.

    `overrides` are what the caller's organisation has agreed on beside list prices. Of a custom model there is one
    candidate, and `key`, if set, is the only one to be shown to it.
    """

    provider: Provider
    endpoint: Endpoint
    wire: WireFormat
    overrides: Sequence[PriceOverride] = ()
    custom: CustomModel | None = None
    key: Key | None = None

    @property
    def is_guarded(self) -> bool:
        """Whether a user, and no operator, says where it is."""
        return self.custom is not None and not self.custom.provider_hosted

    def price_at(self, when: datetime) -> CompiledPrice | None:
        """What the caller's organisation pays for what starts at that moment; None where that is not known."""
        price = self.endpoint.price_at(when)
        if not self.overrides:
            return price
        return price_under(price, self.overrides, self.provider.name, self.endpoint.id, when)


class Plan(msgspec.Struct, frozen=True):
    """Where to send a request, best first, and what to fill in. `model` is what the ledger calls it."""

    model: str
    candidates: Sequence[Candidate]
    fill: Body


def make_plan(request: ChatRequest, catalog: Catalog, caller: Caller) -> Plan:
    """Decides, without touching anything.

    Raises:
        ModelNotFound: no model of this name, and no provider it could be meant for.
        NoEndpoint: no provider that the caller can use offers it, or none of those the request names.
        UnsupportedFeature: none that does serves requests of this format.
        InvalidField: a parameter is out of range, or there is no such use case.
        ContextTooLong: the model can't have room for it.
    """
    name, preferred = request.model, ""
    if name.startswith(_NO_PLAIN_NAMES):
        if is_auto(name):
            choice = choose(request, catalog, caller)
            name, preferred = choice.model, choice.provider
        if name.startswith(_CUSTOM):
            custom = catalog.find_custom(name, caller)
            if custom is None:
                raise ModelNotFound(name)
            return plan_custom(request, custom, catalog, caller)
    model = catalog.find(name)
    if model is None:
        model_id, successor, window, parameters = name, "", None, platform_parameters(None)
        endpoints = unlisted(name, catalog, caller.organisation_id)
    else:
        model_id, successor, window = model.id, model.successor_id, model.context_window
        parameters = model.parameters or platform_parameters(model.max_output_tokens)
        endpoints = listed(model, catalog, caller.organisation_id)
    candidates = _order(_speaking(request, endpoints, catalog, caller, (model_id, successor)), request, preferred)
    if not candidates:
        raise NoEndpoint(model_id)
    fill = fill_in(request, parameters, catalog.chosen_by(caller).parameters)
    if window is not None:
        check_fits(request, model_id, window, fill)
    return Plan(model_id, candidates, fill)


def plan_custom(
    request: ChatRequest, custom: CustomModel, catalog: Catalog, caller: Caller, key: Key | None = None
) -> Plan:
    """The same for a custom model that was found already, or that is not kept yet: `key` is then its own.

    Raises as `make_plan` does.
    """
    provider = _provider_of(custom, catalog, caller, key)
    if provider is None or (request.providers and provider.name not in request.providers):
        raise NoEndpoint(custom.model_id)
    wire = provider.wires.get(request.format)
    if wire is None:
        raise _unspoken(custom.model_id, request.format)
    model = catalog.beneath(custom)
    parameters = (model and model.parameters) or platform_parameters(model.max_output_tokens if model else None)
    fill = fill_in(request, parameters, catalog.chosen_by(caller).parameters, custom.parameters)
    window = catalog.window(custom)
    if window is not None:
        check_fits(request, custom.model_id, window, fill)
    own_key_pays = _has_key(custom, key) and _is_at_home(custom, provider)
    endpoint, overrides = (custom.endpoint, ()) if own_key_pays else _list_price(custom, model, catalog, caller)
    return Plan(custom.model_id, [Candidate(provider, endpoint, wire, overrides, custom, key)], fill)


def _has_key(custom: CustomModel, key: Key | None) -> bool:
    return bool(custom.key_version) or key is not None


def _is_at_home(custom: CustomModel, provider: Provider) -> bool:
    """Whether the provider is still where the model's key was given for: where it has moved to, its own keys pay."""
    return origin_of(custom.base_url) == origin_of(provider.base_url)


def _list_price(
    custom: CustomModel, beneath: Model | None, catalog: Catalog, caller: Caller
) -> tuple[Endpoint, Sequence[PriceOverride]]:
    """What rates a custom model that others' keys pay for: the catalog's price, as everybody's; where it has none, and
    for what is not a provider's, its owner's word.
    """
    for endpoint in beneath.endpoints if beneath is not None else ():
        if endpoint.id == custom.endpoint.id and endpoint.prices:
            return endpoint, catalog.overrides.get(caller.organisation_id, ())
    return custom.endpoint, ()


def _provider_of(custom: CustomModel, catalog: Catalog, caller: Caller, key: Key | None) -> Provider | None:
    """Where a custom model is, and how it is talked to; None where it can't be reached.

    An endpoint of the user's own is asked in the one format that its address says, whatever else the provider serves.
    """
    name = custom.endpoint.provider
    found = catalog.providers.get(name)
    if found is None or not found.wires:
        return None
    if custom.provider_hosted:
        if _has_key(custom, key) and found.base_url and found.key_header:
            return found
        return catalog.usable(name, caller.organisation_id)
    wires = found.wires
    if Format.CHAT in wires and Format.RESPONSES in wires:
        wires = {**wires, Format.RESPONSES: wires[Format.CHAT]}
    return replace(found, base_url=custom.base_url, wires=wires, sandbox=False)


def _speaking(
    request: ChatRequest, endpoints: Iterable[Endpoint], catalog: Catalog, caller: Caller, names: tuple[str, str]
) -> list[Candidate]:
    """What the caller can use and what takes such requests; `names` are the model's and its successor's."""
    organisation_id, asked = caller.organisation_id, request.format
    overrides = catalog.overrides.get(organisation_id, ())
    candidates, usable = [], False
    for endpoint in endpoints:
        provider = catalog.usable(endpoint.provider, organisation_id)
        if provider is not None:
            usable = True
            wire = provider.wires.get(asked)
            if wire is not None:
                candidates.append(Candidate(provider, endpoint, wire, overrides))
    if not candidates:
        raise _unspoken(names[0], asked) if usable else NoEndpoint(*names)
    return candidates


def _unspoken(model: str, asked: Format) -> PantheonError:
    """Why a model with providers has no candidates."""
    return UnsupportedFeature(f"No provider of {model!r} serves {asked.value}", model=model, format=asked.value)


def _order(candidates: list[Candidate], request: ChatRequest, preferred: str) -> Sequence[Candidate]:
    """Those the request names, in its order; else all, the `preferred` provider's first."""
    if request.providers:
        rank = {name: place for place, name in enumerate(request.providers)}
        candidates = [candidate for candidate in candidates if candidate.provider.name in rank]
        candidates.sort(key=lambda candidate: rank[candidate.provider.name])
    elif preferred:
        candidates.sort(key=lambda candidate: candidate.provider.name != preferred)
    return candidates if request.fallback else candidates[:1]
