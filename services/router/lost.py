"""What attempts that a crash left open cost: by the prices they were started under, as far as these are still known."""

from collections.abc import Callable, Iterator

from pantheon.events.v1.completion_pb2 import CompletionFinished, CompletionStarted
from services.rating import CompiledPrice, PriceOverride, Tokens, overridden
from services.router.catalog import CustomModel, Endpoint
from services.router.snapshot import Snapshot
from services.runtime.money import to_proto


def rate_lost(snapshot: Snapshot) -> Callable[[CompletionFinished], None]:
    """Puts a cost on the estimated finish of an attempt that a crash left open, where its price is still known."""

    def rate(finished: CompletionFinished) -> None:
        started = finished.started
        price = _price(snapshot, started)
        tokens = Tokens(**{field.name: count for field, count in finished.tokens.ListFields()})
        rating = price.rate(tokens) if price else None
        finished.cost.price_version_id = started.price_version_id
        finished.cost.price_override_id = started.price_override_id
        if rating is not None:
            finished.cost.amount.CopyFrom(to_proto(rating.amount))

    return rate


def _price(snapshot: Snapshot, started: CompletionStarted) -> CompiledPrice | None:
    override = _override(snapshot, started)
    if started.price_override_id and override is None:
        return None
    return overridden(_list_price(snapshot, started), override)


def _override(snapshot: Snapshot, started: CompletionStarted) -> PriceOverride | None:
    overrides = snapshot.catalog.overrides.get(started.attribution.organisation_id, ())
    return next((override for override in overrides if override.id == started.price_override_id), None)


def _list_price(snapshot: Snapshot, started: CompletionStarted) -> CompiledPrice | None:
    """The version, wherever it is: at the model's endpoints, or at those that are gone."""
    for endpoint in _endpoints(snapshot, started):
        if endpoint.provider == started.target.provider:
            for price in endpoint.prices:
                if price.compiled.version.id == started.price_version_id:
                    return price.compiled
    return None


def _endpoints(snapshot: Snapshot, started: CompletionStarted) -> Iterator[Endpoint]:
    catalog, name = snapshot.catalog, started.target.model
    model = catalog.models.get(name)
    if model is not None:
        yield from model.endpoints
    for scope in (started.attribution.user_id, started.attribution.project_id):
        custom: CustomModel | None = catalog.custom_models.get(scope, {}).get(name)
        if custom is not None:
            yield custom.endpoint
    # A custom model, perhaps gone by now, is billed at the price of the model beneath it where the provider's keys pay.
    beneath = catalog.offered_as(started.target.provider, started.target.provider_model_id)
    yield from beneath.endpoints if beneath is not None else ()
    yield from reversed(snapshot.removed)
