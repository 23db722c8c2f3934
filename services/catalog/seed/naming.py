"""What a provider's model ids mean: canonical ids, and which names are one model.

A name that a client gives must never bring it another model than it asked for. So only what is the same model folds
into one: another spelling ("gpt-5-1" for "gpt-5.1"), and a dated name where only one snapshot exists. Where there are
several ("gpt-4-0314", "gpt-4-0613") each is a model of its own, beside the undated name that the provider moves about.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

# 2024-08-06, 20240806, 0613 (month and day), or a name that moves.
_SUFFIX = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|20\d{6}|(?:0[1-9]|1[0-2])[0-3]\d|latest)$")
LATEST = "latest"
# "auto" picks a model by use case; no model may take its name.
RESERVED = frozenset({"auto"})

# Vendors spell versions in several ways; the canonical one has the dot and, from Claude 4 on, the name before the
# number: claude-3.5-sonnet, claude-opus-4.1, gpt-5.1.
_SPELLINGS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "anthropic": (
        (re.compile(r"-(\d)-(\d)(?!\d)"), r"-\1.\2"),
        (re.compile(r"claude-([4-9](?:\.\d)?)-([a-z]+)"), r"claude-\2-\1"),
        (re.compile(r"(claude-[a-z]+-\d)\.0(?!\d)"), r"\1"),
    ),
    "openai": (
        (re.compile(r"gpt-35"), "gpt-3.5"),
        (re.compile(r"gpt-(\d)-(\d)(?!\d)"), r"gpt-\1.\2"),
        (re.compile(r"-(20\d{2})(\d{2})(\d{2})$"), r"-\1-\2-\3"),
    ),
}


@dataclass(frozen=True, slots=True)
class Naming:
    """How one provider names models."""

    # The vendor whose models it serves under bare ids; empty for an aggregator, whose ids carry the vendor.
    vendor: str
    # Canonical ids of what is spelled in a way no rule covers.
    same: Mapping[str, str]

    def canonical(self, served: str) -> str:
        """`<vendor>/<model>` of a provider's id.

        OpenRouter's "~" marks ids that move on to newer models; its ":beta" has come to mean nothing.
        """
        name = served.lower().lstrip("~").removesuffix(":beta")
        if self.vendor:
            name = f"{self.vendor}/{name}"
        name = self.same.get(name, name)
        for pattern, spelling in _SPELLINGS.get(name.partition("/")[0], ()):
            name = pattern.sub(spelling, name)
        return self.same.get(name, name)


@dataclass(frozen=True, slots=True)
class Named:
    """One model among the ids of an entry."""

    canonical: str
    # The id to send to the provider.
    served: str
    # All of the provider's ids that mean this model.
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Which names there are over all providers, so that each provider's are read alike."""

    # Canonical ids without a date.
    undated: Collection[str]
    # By undated canonical id: the dates that are known of it. An aggregator's slugs ("deepseek-v4-flash-20260731") do
    # not count: their date is the day of listing, unless a vendor has a snapshot of that day.
    dates: Mapping[str, Collection[str]]
    # Dated or moving names that a price list has an entry of its own for: models of their own.
    apart: Collection[str]

    @classmethod
    def among(cls, vendors: Iterable[str], aggregators: Iterable[str], entries: Iterable[str]) -> "Snapshots":
        """The snapshots among the canonical ids of vendors and aggregators; `entries` have one of their own."""
        vendors, aggregators = set(vendors), set(aggregators)
        counting = vendors | {name for name in aggregators if len(stem_and_date(name)[1]) != len("20260731")}
        dates: dict[str, set[str]] = {}
        for canonical in counting:
            stem, date = stem_and_date(canonical)
            if date not in ("", LATEST):
                dates.setdefault(stem, set()).add(date)
        undated = {name for name in vendors | aggregators if not stem_and_date(name)[1]}
        return cls(undated, dates, {name for name in entries if stem_and_date(name)[1]})

    def fold(self, canonical: str) -> bool:
        """Whether a dated name, or one that moves, means the same as the undated one."""
        stem, date = stem_and_date(canonical)
        known = self.dates.get(stem, ())
        return canonical not in self.apart and (date not in known or len(known) == 1)


def stem_and_date(canonical: str) -> tuple[str, str]:
    """A canonical id without its date or "latest", and that suffix ("" if there is none) without hyphens."""
    if match := _SUFFIX.search(canonical):
        return canonical[: match.start()], match[1].replace("-", "")
    return canonical, ""


def told_apart(
    ids: Collection[str], main: str, naming: Naming, snapshots: Snapshots, real: Collection[str]
) -> list[Named]:
    """The models among the ids that a price list puts into one entry.

    `main` is the entry's own id, `real` holds ids that the provider is known to serve.
    """
    canonicals = [naming.canonical(served) for served in ids]
    groups: dict[str, list[str]] = {}
    for served, canonical in zip(ids, canonicals, strict=True):
        groups.setdefault(_meant(canonical, naming.canonical(main), canonicals, snapshots), []).append(served)
    return [Named(canonical, _served(canonical, group, real), tuple(group)) for canonical, group in groups.items()]


def _meant(canonical: str, main: str, entry: Collection[str], snapshots: Snapshots) -> str:
    """The canonical id of the model that a name, perhaps a dated one, stands for within an entry."""
    stem, date = stem_and_date(canonical)
    if not date or not snapshots.fold(canonical):
        return canonical
    moving = stem in snapshots.undated and any(stem_and_date(name) == (stem, LATEST) for name in entry)
    if stem in entry or moving:
        return stem
    slug = date not in snapshots.dates.get(stem, ()) and date != LATEST
    return main if slug else canonical


def _served(canonical: str, ids: list[str], real: Collection[str]) -> str:
    """The id to send: one known to be served, undated rather than dated, newer rather than older."""

    def preference(served: str) -> tuple[bool, bool, bool, str]:
        date = stem_and_date(served)[1]
        exact = canonical in (served, f"{canonical.partition('/')[0]}/{served}")
        return served in real, not date, exact, date

    return max(ids, key=preference)
