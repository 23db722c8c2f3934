"""The other names that models answer to."""

from collections.abc import Iterator

from services.catalog.seed.curated import Curated, Model
from services.catalog.seed.naming import RESERVED
from services.catalog.seed.offers import Offer


def assign_aliases(offers: dict[str, list[Offer]], curated: Curated) -> dict[str, tuple[str, ...]]:
    """The other names of each model: every id of its offers, bare and with the vendor; each name for one model only.

    Where several models could have a name, it goes to the one that a vendor serves itself; where that does not decide,
    to none. A bare word ("router", "extract") is a name only for a model that its vendor serves.
    """
    claims: dict[str, list[str]] = {}
    for canonical, its_offers in offers.items():
        for name in {*curated.models.get(canonical, Model()).aliases, *_names(canonical, its_offers)}:
            claims.setdefault(name, []).append(canonical)
    aliases: dict[str, list[str]] = {canonical: [] for canonical in offers}
    for name, claimants in claims.items():
        if name in offers or name in RESERVED:
            continue
        direct = [model for model in claimants if any(offer.provider.vendor for offer in offers[model])]
        if len(direct) == 1 or (len(claimants) == 1 and not name.isalpha()):
            aliases[(direct or claimants)[0]].append(name)
    return {canonical: tuple(sorted(names)) for canonical, names in aliases.items()}


def _names(canonical: str, offers: list[Offer]) -> Iterator[str]:
    vendor, _, bare = canonical.partition("/")
    yield bare
    for offer in offers:
        for served in map(str.lower, offer.ids):
            yield served
            yield f"{vendor}/{served}" if offer.provider.vendor else served.partition("/")[2]
