"""Writes models.json and providers.json; a tool for developers, since it needs genai-prices (a dev dependency).

    python -m services.catalog.seed.build --facts model_facts.json

Sources, in the order they are believed:
- prices: genai-prices, with their history; models.dev where that has none of a model;
- limits, abilities, dates: curated.toml, the vendor's own offer in models.dev, the vendor's price list in genai-prices,
  then the same of aggregators. (genai-prices rounds context windows, 1,000,000 for 1,047,576, and gives one figure to a
  family of models, so its figures come second.)

The same input gives the same files, on any day: what the present files hold already (price versions, deprecations)
keeps its day, for it was learnt then.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from services.catalog.seed.aliases import assign_aliases
from services.catalog.seed.curated import Curated, Deprecation, Model, read_curated
from services.catalog.seed.facts import Facts, read_facts
from services.catalog.seed.load import FOLDER, MODELS, PROVIDERS, load_models
from services.catalog.seed.offers import Offer, all_offers
from services.catalog.seed.pricing import seed_price
from services.catalog.seed.rows import ParameterName, SeedEndpoint, SeedModel

T = TypeVar("T")


class SeedBuilder:
    """Merges the sources into rows."""

    def __init__(self, curated: Curated, facts: Facts, present: Iterable[SeedModel], recorded: datetime) -> None:
        """`present` is the seed as it is, `recorded` the day on which anything new is learnt."""
        self._curated = curated
        self._facts = facts
        self._present = {model.id: model for model in present}
        self._known = {
            price.id: price
            for model in self._present.values()
            for endpoint in model.endpoints
            for price in endpoint.prices
        }
        self._recorded = recorded
        self._prices_source = f"genai-prices {version('genai-prices')}"
        self._advised = curated.advised()

    def models(self) -> tuple[SeedModel, ...]:
        """All models, by id.

        Raises ValueError where curated.toml names a model that does not exist, or two offers of one provider come
        out as the same model.
        """
        offers: dict[str, list[Offer]] = {canonical: [] for canonical in self._curated.models}
        for offer in all_offers(self._curated, self._facts):
            offers.setdefault(offer.canonical, []).append(offer)
        deprecations = {name: entry for entry in self._curated.deprecations for name in entry.models}
        named = deprecations.keys() | self._advised.keys() | set(self._advised.values())
        if missing := named - offers.keys():
            raise ValueError(f"curated.toml names {', '.join(sorted(missing))}, which no source knows")
        aliases = assign_aliases(offers, self._curated)
        return tuple(
            self._model(canonical, offers[canonical], aliases[canonical], deprecations.get(canonical))
            for canonical in sorted(offers)
        )

    def _model(
        self, canonical: str, offers: list[Offer], aliases: tuple[str, ...], deprecation: Deprecation | None
    ) -> SeedModel:
        providers = [offer.provider.name for offer in offers]
        if len(set(providers)) != len(providers):
            raise ValueError(f"{canonical}: {', '.join(offer.served for offer in offers)} come out as one model")
        said = self._curated.models.get(canonical, Model())
        facts = [offer.fact for offer in offers if offer.fact is not None]
        unsupported = self._curated.unsupported_by(
            canonical, fixed_temperature=_first(fact.temperature for fact in facts) is False
        )
        sources = [*said.sources, *([self._facts.label] if facts else [])]
        if any(offer.display_name or offer.context_window for offer in offers):
            sources.append(self._prices_source)
        return SeedModel(
            id=canonical,
            display_name=said.display_name or _display_name(canonical, offers),
            aliases=aliases,
            context_window=said.context_window or _context_window(offers),
            max_output_tokens=said.max_output_tokens or _first(fact.max_output_tokens for fact in facts),
            input_modalities=said.input_modalities or _first(fact.input_modalities for fact in facts) or (),
            output_modalities=said.output_modalities or _first(fact.output_modalities for fact in facts) or (),
            supports_tools=_first(fact.tool_call for fact in facts),
            supports_structured_output=_first(fact.structured_output for fact in facts),
            supports_reasoning=_first(fact.reasoning for fact in facts),
            release_time=_first(fact.release_time for fact in facts),
            deprecation_time=self._deprecation_time(canonical, deprecation, offers),
            successor_id=self._advised.get(canonical, ""),
            unsupported_parameters=_together(entry.parameters for entry in unsupported),
            default_parameters=self._curated.defaults_of(canonical),
            endpoints=tuple(map(self._endpoint, offers)),
            sources=tuple(sources + ([deprecation.source] if deprecation is not None else [])),
        )

    def _deprecation_time(
        self, canonical: str, deprecation: Deprecation | None, offers: list[Offer]
    ) -> datetime | None:
        """The known day, or else the day on which a source called the vendor's own offer deprecated."""
        if deprecation is not None:
            return _midnight(deprecation.date)
        own = [offer for offer in offers if offer.provider.vendor]
        if any(offer.fact is not None and offer.fact.deprecated for offer in own):
            return _midnight(self._facts.source.date)
        if not any(offer.deprecated for offer in own):
            return None
        present = self._present.get(canonical)
        return (present and present.deprecation_time) or self._recorded

    def _endpoint(self, offer: Offer) -> SeedEndpoint:
        endpoint = SeedEndpoint(offer.provider.name, offer.served)
        source = self._prices_source if offer.is_listed else self._facts.label
        prices = (
            seed_price(endpoint.id, effective, figures, self._recorded, source) for effective, figures in offer.prices
        )
        return msgspec.structs.replace(endpoint, prices=tuple(self._known.get(price.id, price) for price in prices))


def _display_name(canonical: str, offers: list[Offer]) -> str:
    """As models.dev writes it, else as genai-prices does, whose names in small letters are notes ("gpt 4")."""
    facts = (offer.fact.name for offer in offers if offer.fact is not None)
    listed = (name for offer in offers if (name := offer.display_name) and not name.islower())
    bare = canonical.partition("/")[2]
    spelled = (bare for offer in offers if offer.display_name == bare)
    return next(filter(None, (*facts, *listed, *spelled)), "").removesuffix(" (latest)")


def _context_window(offers: list[Offer]) -> int | None:
    """The vendor's own figure, exact or rounded; of an aggregator the price list's, which is the newer one."""
    for offer in offers:
        exact = offer.fact.limit.context if offer.fact is not None else 0
        window = (exact or offer.context_window) if offer.provider.vendor else (offer.context_window or exact)
        if window:
            return window
    return None


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _together(parameters: Iterable[Iterable[ParameterName]]) -> tuple[ParameterName, ...]:
    """All of them, in the order of the contract."""
    named = {name for names in parameters for name in names}
    return tuple(name for name in get_args(ParameterName) if name in named)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def write(rows: Sequence[msgspec.Struct], path: Path) -> None:
    """One row a line, so that a change of one model is a change of one line."""
    lines = ",\n".join(msgspec.json.encode(row).decode() for row in rows)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the sources, write both files."""
    parser = argparse.ArgumentParser(prog="python -m services.catalog.seed.build", description=__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="model_facts.json, made from models.dev")
    parser.add_argument("--into", type=Path, default=FOLDER, help="where the files go (default: the seed itself)")
    parser.add_argument("--date", type=date.fromisoformat, help="when new prices were learnt (default: today, UTC)")
    options = parser.parse_args(arguments)
    recorded = _midnight(options.date or datetime.now(UTC).date())
    present = load_models() if MODELS.exists() else ()
    curated = read_curated()
    models = SeedBuilder(curated, read_facts(options.facts), present, recorded).models()
    write(models, options.into / MODELS.name)
    write([provider.row() for provider in curated.providers], options.into / PROVIDERS.name)
    sys.stdout.write(f"{len(models)} models, {len(curated.providers)} providers written to {options.into}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
