"""A sync that is undone."""

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.entities import Endpoint, Model
from services.catalog.listings.listed import Listed, Listing
from services.catalog.sync.merging import charges
from services.catalog.sync.plan import CatalogState
from services.catalog.sync.reverting import reverting
from services.rating import price_at
from tests.unit.catalog.sync.catalogs import (
    NOW,
    carried_out,
    endpoint,
    listing,
    model,
    planned,
    prices,
    state,
    version,
)

SYNCED, UNDONE, LATER = NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)
AMOUNTS = st.sampled_from(["0", "1", "2.5"])
NAMES = ("vendor/a", "vendor/b", "openai/gpt-4", "openai/gpt-5")


def told(catalog: CatalogState) -> Mapping[str, object]:
    """The models, with the prices that hold later instead of their history."""

    def offer(entry: Endpoint) -> object:
        held = price_at(entry.prices, LATER)
        return entry.id, charges(held.unit_prices if held else ())

    def bare(entry: Model) -> object:
        fields = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name != "endpoints"}
        return fields, [offer(found) for found in entry.endpoints]

    return {model_id: bare(entry) for model_id, entry in catalog.models.items()}


@st.composite
def catalogs(draw: st.DrawFn) -> CatalogState:
    models = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        versions = [version(prices(draw(AMOUNTS), draw(AMOUNTS)))] if draw(st.booleans()) else []
        offers = [endpoint(f"openrouter:{name}", *versions)]
        if name.startswith("openai/") and draw(st.booleans()):
            offers.insert(0, endpoint(f"openai:{name.partition('/')[2]}"))
        window = draw(st.none() | st.just(8_192))
        models.append(model(name, *offers, context_window=window, aliases=(f"alias-of-{name}",)))
    return state(*models)


@st.composite
def lists(draw: st.DrawFn) -> list[Listing]:
    entries = [
        Listed(
            id=name,
            context_window=draw(st.none() | st.integers(1, 3)),
            unit_prices=draw(st.none() | st.just(()) | st.builds(prices, AMOUNTS, AMOUNTS)),
        )
        for name in draw(st.sets(st.sampled_from([*NAMES, "vendor/new", "openai/gpt-6"])))
    ]
    direct = draw(st.sets(st.sampled_from(["gpt-4", "gpt-4-0613", "gpt-6"])))
    return [listing("openrouter", *entries), listing("openai", *sorted(direct))]


@given(catalogs(), lists(), st.booleans())
def test_a_sync_undone_gives_the_same_models(catalog: CatalogState, found: list[Listing], remove_missing: bool) -> None:
    plan = planned(catalog, *found, remove_missing=remove_missing)
    after = carried_out(catalog, plan, SYNCED)
    undoing = reverting({change.model_id: change.before for change in plan.changes}, after, SYNCED, UNDONE)
    assert told(carried_out(after, undoing, UNDONE)) == told(catalog)


@given(catalogs(), lists(), st.booleans())
def test_a_sync_repeated_changes_nothing_more(
    catalog: CatalogState, found: list[Listing], remove_missing: bool
) -> None:
    after = carried_out(catalog, planned(catalog, *found, remove_missing=remove_missing), SYNCED)
    again = planned(after, *found, remove_missing=remove_missing)
    assert not [change for change in again.changes if change.before is not None and change.prices]
    assert told(carried_out(after, again, UNDONE)) == told(after)


@given(catalogs(), lists())
def test_without_being_asked_to_a_sync_takes_nothing_away(catalog: CatalogState, found: list[Listing]) -> None:
    after = carried_out(catalog, planned(catalog, *found), SYNCED)
    for model_id, known in catalog.models.items():
        assert {entry.id for entry in known.endpoints} <= {entry.id for entry in after.models[model_id].endpoints}


def test_a_price_that_came_after_the_sync_stays() -> None:
    known = model("vendor/a", endpoint("openrouter:vendor/a", version(prices("1", "2"))))
    catalog = state(known)
    plan = planned(
        catalog, listing("openrouter", Listed(id="vendor/a", context_window=9, unit_prices=prices("3", "4")))
    )
    after = carried_out(catalog, plan, SYNCED)
    (offer,) = after.models["vendor/a"].endpoints
    contract = version(prices("5", "6"), SYNCED + timedelta(minutes=1), "contract 17")
    newer = state(
        model(
            "vendor/a", Endpoint(offer.provider, offer.provider_model_id, (*offer.prices, contract)), context_window=9
        )
    )
    undoing = reverting({"vendor/a": known}, newer, SYNCED, UNDONE)
    (offer,) = carried_out(newer, undoing, UNDONE).models["vendor/a"].endpoints
    assert price_at(offer.prices, LATER) == contract
    assert undoing.changes[0].after is not None
    assert undoing.changes[0].after.context_window is None
