"""Which model of the catalog an entry of a list is about."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.catalog.entities import Model, Provider
from services.catalog.listings.listed import Listed
from services.catalog.seed.naming import RESERVED, Naming, Snapshots, stem_and_date

# A canonical id, in names that no custom model or use case has.
_CANONICAL = re.compile(r"(?!(?:custom|auto)/)[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._:@+-]*")


@dataclass(slots=True)
class Names:
    """What models answer to, and where they are offered; grows as a sync finds new ones."""

    models: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Iterable[Model]) -> "Names":
        """Those of the catalog."""
        names = cls()
        for model in models:
            names.models.update(dict.fromkeys(model.aliases, model.id))
            names.endpoints.update((endpoint.id, model.id) for endpoint in model.endpoints)
        # An id is stronger than an alias.
        names.models.update((model.id, model.id) for model in models)
        return names


@dataclass(frozen=True, slots=True)
class Match:
    """A model, and the entry of the list that speaks of it; `ids` are all the names the provider lists it by."""

    model_id: str
    listed: Listed
    ids: tuple[str, ...]


def vendor_of(provider: Provider, models: Iterable[Model]) -> str:
    """Whose models a provider serves under bare ids: as most of those it offers; empty for an aggregator."""
    if provider.flags.aggregates_vendors:
        return ""
    vendors = Counter(
        model.id.partition("/")[0]
        for model in models
        for endpoint in model.endpoints
        if endpoint.provider == provider.name
    )
    return max(vendors, key=lambda vendor: (vendors[vendor], vendor), default=provider.name)


def matched(provider: Provider, vendor: str, listed: Iterable[Listed], names: Names) -> list[Match]:
    """What each entry is about, by model id; several names of one model come out as one.

    Of those names the one the catalog sends speaks for the model, else an undated one. An id that no model could have
    is passed over. `vendor` is as `vendor_of` tells.
    """
    entries = list(listed)
    canonical = {entry.id: _canonical(entry.id, provider, vendor) for entry in entries}
    snapshots = Snapshots.among(vendors=canonical.values() if vendor else (), aggregators=(), entries=())
    groups: dict[str, list[Listed]] = {}
    for entry in entries:
        known = names.endpoints.get(f"{provider.name}:{entry.id}")
        model_id = known or _meant(entry.id, canonical[entry.id], vendor, snapshots, names)
        if known or _CANONICAL.fullmatch(model_id):
            groups.setdefault(model_id, []).append(entry)
    return [_match(provider, model_id, group, names) for model_id, group in sorted(groups.items())]


def _canonical(served: str, provider: Provider, vendor: str) -> str:
    """`<vendor>/<model>` of an id, which may carry a vendor, or be a path. An aggregator's bare ids mean no model."""
    vendor_in_id, _, bare = served.rpartition("/")
    if not vendor_in_id:
        return "" if provider.flags.aggregates_vendors else Naming(vendor or provider.name, {}).canonical(served)
    if "/" in vendor_in_id:
        return Naming(vendor or provider.name, {}).canonical(bare)
    return Naming("", {}).canonical(served)


def _meant(served: str, canonical: str, vendor: str, snapshots: Snapshots, names: Names) -> str:
    """The model of this name; of a new one's only snapshot the undated name, if that is listed, too."""
    if canonical in names.models:
        return names.models[canonical]
    by_alias = names.models.get(served.lower(), "")
    if vendor and by_alias.startswith(f"{vendor}/"):
        return by_alias
    stem, date = stem_and_date(canonical)
    if date and stem in snapshots.undated and snapshots.fold(canonical):
        return names.models.get(stem, stem)
    return canonical


def _match(provider: Provider, model_id: str, group: list[Listed], names: Names) -> Match:
    def preference(entry: Listed) -> tuple[bool, bool, str]:
        is_sent = names.endpoints.get(f"{provider.name}:{entry.id}") == model_id
        return is_sent, not stem_and_date(entry.id)[1], entry.id

    speaker = max(group, key=preference)
    return Match(model_id, speaker, tuple(sorted(entry.id for entry in group)))


def free_aliases(matches: Iterable[tuple[Match, str]], names: Names) -> Mapping[str, tuple[str, ...]]:
    """The other names of new models, by id, out of the ids they are listed by (`str`: the vendor, empty: aggregated).

    A name that several want goes to the one a vendor serves itself, or else to none; a bare word only to such a one.
    """
    claims: dict[str, dict[str, bool]] = {}
    for match, vendor in matches:
        own = match.model_id.partition("/")[0]
        for served in map(str.lower, match.ids):
            for name in (match.model_id.partition("/")[2], served, f"{own}/{served.rpartition('/')[2]}"):
                claims.setdefault(name, {}).setdefault(match.model_id, False)
                claims[name][match.model_id] |= bool(vendor)
    found: dict[str, list[str]] = {}
    for name, claimants in claims.items():
        direct = [model_id for model_id, is_direct in claimants.items() if is_direct]
        taken = name in names.models or name in RESERVED or name in claimants
        if not taken and (len(direct) == 1 or (len(claimants) == 1 and not name.isalpha())):
            found.setdefault((direct or list(claimants))[0], []).append(name)
    return {model_id: tuple(sorted(aliases)) for model_id, aliases in found.items()}
