"""Compares the catalog with what providers list."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.catalog.entities import Endpoint, Model
from services.catalog.listings.listed import Listed, Listing
from services.catalog.sync.matching import Match, Names, free_aliases, matched, vendor_of
from services.catalog.sync.merging import believed, merged, wanted_prices, with_endpoint
from services.catalog.sync.plan import CatalogState, ModelChange, NewPrice, SyncPlan
from services.catalog.sync.plausibility import judged


def compare(
    state: CatalogState,
    listings: Sequence[Listing],
    aggregators: frozenset[str],
    now: datetime,
    *,
    remove_missing: bool,
) -> tuple[list[Listing], SyncPlan]:
    """What the lists would change, and the lists as they were judged: those with a fault change nothing.

    `aggregators` are the providers that pass on models of others. With `remove_missing` an endpoint that its provider
    lists no more is taken away, and a model that no endpoint is left of.
    """
    comparison = _Comparison(state, aggregators, now)
    # Who serves a model itself knows it better, and gives new ones their names.
    order = sorted(listings, key=lambda listing: (listing.provider.name in aggregators, listing.provider.name))
    found = {listing.provider.name: comparison.take(listing, remove_missing=remove_missing) for listing in order}
    return [found[listing.provider.name] for listing in listings], comparison.plan()


class _Comparison:
    """The catalog amid a sync: the models that are touched, as they are to be."""

    def __init__(self, state: CatalogState, aggregators: frozenset[str], now: datetime) -> None:
        self._state = state
        self._aggregators = aggregators
        self._now = now
        self._names = Names.of(state.models.values())
        self._touched: dict[str, Model] = {}
        self._prices: dict[str, list[NewPrice]] = {}
        self._added: list[tuple[Match, str]] = []

    def take(self, listing: Listing, *, remove_missing: bool) -> Listing:
        """Takes one list into account, if it is credible. Returns it with the fault that keeps it from being so."""
        if listing.fault:
            return listing
        provider = listing.provider
        vendor = vendor_of(provider, self._state.models.values())
        matches = matched(provider, vendor, listing.models, self._names)
        offered = self._offered(provider.name)
        listed = self._by_endpoint(provider.name, matches)
        verdict = judged(listing, list(offered.values()), listed, self._now, remove_missing=remove_missing)
        if verdict.fault:
            return verdict
        for match in matches:
            self._update(provider.name, vendor, match)
        if remove_missing:
            for model_id, endpoint in offered.items():
                if endpoint.id not in listed:
                    self._withdraw(model_id, endpoint)
        return listing

    def plan(self) -> SyncPlan:
        """All that is different now."""
        aliases = free_aliases(self._added, self._names)
        changes = []
        for model_id, model in sorted(self._touched.items()):
            before = self._state.models.get(model_id)
            prices = tuple(self._prices.get(model_id, ()))
            if before is None:
                after = replace(model, aliases=aliases.get(model_id, ()))
                changes.append(ModelChange(model_id, None, after, prices))
            elif not model.endpoints and before.endpoints:
                changes.append(ModelChange(model_id, before, None))
            elif model != before or prices:
                changes.append(ModelChange(model_id, before, model, prices))
        return SyncPlan(tuple(changes))

    def _offered(self, provider: str) -> dict[str, Endpoint]:
        """What the catalog has of a provider, by model id."""
        return {
            model.id: endpoint
            for model in self._state.models.values()
            for endpoint in model.endpoints
            if endpoint.provider == provider
        }

    def _by_endpoint(self, provider: str, matches: Sequence[Match]) -> Mapping[str, Listed]:
        models = ((self._present(match.model_id), match.listed) for match in matches)
        return {
            endpoint.id: listed
            for model, listed in models
            for endpoint in model.endpoints
            if endpoint.provider == provider
        }

    def _present(self, model_id: str) -> Model:
        return self._touched.get(model_id) or self._state.models.get(model_id) or Model(id=model_id)

    def _update(self, provider: str, vendor: str, match: Match) -> None:
        model, listed = self._present(match.model_id), match.listed
        endpoint = next((entry for entry in model.endpoints if entry.provider == provider), None)
        if endpoint is None:
            endpoint = Endpoint(provider, listed.id)
            model = with_endpoint(model, endpoint, self._aggregators)
            if match.model_id not in self._state.models:
                self._added.append((match, vendor))
            self._names.models.setdefault(match.model_id, match.model_id)
            self._names.endpoints[endpoint.id] = match.model_id
        self._touched[match.model_id] = merged(model, listed, believed=believed(provider, model, self._aggregators))
        if listed.unit_prices is None:
            return
        versions = endpoint.prices or self._state.former_prices.get(endpoint.id, ())
        wanted = wanted_prices(versions, listed.unit_prices, self._now)
        if wanted is not None:
            self._prices.setdefault(match.model_id, []).append(NewPrice(endpoint.id, wanted))

    def _withdraw(self, model_id: str, endpoint: Endpoint) -> None:
        model = self._present(model_id)
        left = tuple(entry for entry in model.endpoints if entry.id != endpoint.id)
        self._touched[model_id] = replace(model, endpoints=left)
