"""What the price lists of genai-prices offer, model by model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from genai_prices import data_snapshot
from genai_prices.types import ClauseEquals, ClauseOr, MatchLogic, ModelInfo, ModelPrice

from services.catalog.seed.curated import Curated, Provider
from services.catalog.seed.facts import Cost, Fact, Facts
from services.catalog.seed.naming import LATEST, Naming, Snapshots, told_apart
from services.catalog.seed.pricing import FREE, Figures, dated
from services.rating import SINCE_EVER


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider's offer of one model."""

    provider: Provider
    canonical: str
    # The id to send, and all ids of this provider that mean the same model.
    served: str
    ids: tuple[str, ...]
    # Since when which prices hold; empty where unpriced.
    prices: tuple[tuple[datetime, Figures], ...]
    # Of genai-prices, only where its entry is about this model and not a family it belongs to.
    display_name: str
    context_window: int | None
    deprecated: bool
    # Of models.dev, None where it has none.
    fact: Fact | None
    # In genai-prices; the prices of others are those of models.dev.
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a price list, with the ids it is about."""

    info: ModelInfo
    ids: tuple[str, ...]
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class _PriceList:
    """What one provider charges, and what else is known of its models."""

    provider: Provider
    naming: Naming
    # Facts by model id.
    known: Mapping[str, Fact]
    entries: Sequence[_Entry]


def all_offers(curated: Curated, facts: Facts) -> list[Offer]:
    """Every offer of every provider, in the order of the providers and their price lists."""
    lists = [_price_list(provider, curated, facts) for provider in curated.providers if provider.listed_as]
    pairs = [(a_list, entry) for a_list in lists for entry in a_list.entries]
    names = [(a_list, a_list.naming.canonical(served)) for a_list, entry in pairs for served in entry.ids]
    mains = [(a_list, a_list.naming.canonical(entry.info.id)) for a_list, entry in pairs]
    snapshots = Snapshots.among(
        vendors=(name for a_list, name in names if a_list.provider.vendor),
        aggregators=(name for a_list, name in names if not a_list.provider.vendor),
        entries=(name for a_list, name in mains if not (a_list.provider.vendor and name.endswith(LATEST))),
    )
    return [offer for a_list, entry in pairs for offer in _offers(a_list, entry, snapshots, curated)]


def _price_list(provider: Provider, curated: Curated, facts: Facts) -> _PriceList:
    """The price list of a provider, but for what it does not serve."""
    listed = {entry.id: entry for entry in data_snapshot.get_snapshot().providers}[provider.listed_as]
    known = facts.known(provider.listed_as)
    found: dict[str, list[str]] = {}
    for model_id in known:
        if (info := listed.find_model(model_id)) is not None:
            found.setdefault(info.id, []).append(model_id)
    entries = []
    for info in listed.models:
        ids = curated.served.get(provider.name, {}).get(info.id)
        ids = ids or (info.id, *_equals(info.match), *found.get(info.id, ()))
        served = tuple(model_id for model_id in dict.fromkeys(ids) if _is_served(provider, curated, model_id))
        if served:
            entries.append(_Entry(info, served))
    for model_id, fact in known.items():
        if listed.find_model(model_id) is None and _is_served(provider, curated, model_id):
            entries.append(_Entry(_unlisted(model_id, fact), (model_id,), is_listed=False))
    return _PriceList(provider, Naming(provider.vendor, curated.same), known, entries)


def _unlisted(model_id: str, fact: Fact) -> ModelInfo:
    """An entry for a model that only models.dev knows. Where long prompts are dearer its price is left unknown."""
    cost = fact.cost if not fact.cost.tiers else Cost()
    prices = ModelPrice(
        input_mtok=cost.input,
        output_mtok=cost.output,
        cache_read_mtok=cost.cache_read,
        cache_write_mtok=cost.cache_write,
        output_reasoning_mtok=cost.reasoning,
        input_audio_mtok=cost.input_audio,
    )
    return ModelInfo(id=model_id, match=ClauseEquals(model_id), prices=prices)


def _is_served(provider: Provider, curated: Curated, model_id: str) -> bool:
    """An aggregator's ids carry the vendor; its bare ones in the price list are leftovers."""
    return curated.serves(provider.name, model_id) and (bool(provider.vendor) or "/" in model_id)


def _equals(clause: MatchLogic) -> Iterator[str]:
    """The ids that an entry names outright; patterns name none."""
    match clause:
        case ClauseEquals():
            yield clause.equals
        case ClauseOr():
            for part in clause.or_:
                yield from _equals(part)


def _offers(a_list: _PriceList, entry: _Entry, snapshots: Snapshots, curated: Curated) -> Iterator[Offer]:
    info = entry.info
    models = told_apart(entry.ids, info.id, a_list.naming, snapshots, a_list.known)
    for model in models:
        own = len(models) == 1 or model.canonical == a_list.naming.canonical(info.id)
        facts = (a_list.known.get(model_id) for model_id in (model.served, *model.ids))
        yield Offer(
            provider=a_list.provider,
            canonical=model.canonical,
            served=model.served,
            ids=model.ids,
            prices=_prices(info, free=curated.is_free(a_list.provider.name, model.served)),
            display_name=(own and info.name) or "",
            context_window=info.context_window if own else None,
            deprecated=bool(info.deprecated),
            fact=next((fact for fact in facts if fact is not None), None),
            is_listed=entry.is_listed,
        )


def _prices(info: ModelInfo, *, free: bool) -> tuple[tuple[datetime, Figures], ...]:
    """The history of its prices; empty where there is no figure at all and it is not known to be free."""
    history = tuple(dated(info))
    if any(figures.per_million for _, figures in history):
        return history
    return ((SINCE_EVER, FREE),) if free else ()
