"""Reads curated.toml: what neither genai-prices nor models.dev says."""

import tomllib
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from services.catalog.seed.rows import Modality, ParameterName, SeedProvider

CURATED = Path(__file__).with_name("curated.toml")


class Provider(SeedProvider, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider, and where the sources list it."""

    # Its name in genai-prices and models.dev; empty: none of its models are listed.
    listed_as: str = ""
    # Whose models it serves under bare ids; empty for an aggregator.
    vendor: str = ""

    def row(self) -> SeedProvider:
        """What providers.json says of it."""
        return msgspec.convert(self, SeedProvider, from_attributes=True)


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ids that a provider does not serve."""

    provider: str
    reason: str
    ids: tuple[str, ...]


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of a model whatever the sources say, and names to add."""

    display_name: str = ""
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[Modality, ...] = ()
    output_modalities: tuple[Modality, ...] = ()
    sources: tuple[str, ...] = ()


class Deprecation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models that are no longer advised or served from a day on."""

    date: date
    source: str
    models: tuple[str, ...]


class Unsupported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters that models (patterns of canonical ids) do not take."""

    source: str
    parameters: tuple[ParameterName, ...]
    models: tuple[str, ...]
    # Only those of which models.dev says that their temperature can't be set.
    where_temperature_is_fixed: bool = False


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that models (patterns of canonical ids) are made for, where they are not the platform's."""

    source: str
    parameters: dict[ParameterName, float]
    models: tuple[str, ...]


class Curated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    providers: tuple[Provider, ...]
    left_out: tuple[LeftOut, ...]
    # By provider and entry of genai-prices: the ids that are really served.
    served: dict[str, dict[str, tuple[str, ...]]]
    # By provider: patterns of ids that are free where genai-prices has no figure.
    free: dict[str, tuple[str, ...]]
    # By name: the canonical id.
    same: dict[str, str]
    models: dict[str, Model]
    deprecations: tuple[Deprecation, ...]
    # By source: what is advised, and instead of which models.
    successors: dict[str, dict[str, tuple[str, ...]]]
    unsupported: tuple[Unsupported, ...]
    defaults: tuple[Defaults, ...]

    def serves(self, provider: str, model_id: str) -> bool:
        """Whether an id that a price list has is one the provider knows."""
        patterns = (pattern for entry in self.left_out if entry.provider == provider for pattern in entry.ids)
        return not any(fnmatchcase(model_id, pattern) for pattern in patterns)

    def advised(self) -> dict[str, str]:
        """By model: the one that its vendor advises in its place."""
        return {
            model: successor
            for by_successor in self.successors.values()
            for successor, models in by_successor.items()
            for model in models
        }

    def unsupported_by(self, model: str, *, fixed_temperature: bool) -> tuple[Unsupported, ...]:
        """What is said of a model's parameters; `fixed_temperature` is what models.dev says of it."""
        return tuple(
            entry
            for entry in self.unsupported
            if (fixed_temperature or not entry.where_temperature_is_fixed) and _is_one_of(model, entry.models)
        )

    def defaults_of(self, model: str) -> dict[ParameterName, float]:
        """The model's own defaults; of two that are said of it the later."""
        found: dict[ParameterName, float] = {}
        for entry in self.defaults:
            if _is_one_of(model, entry.models):
                found |= entry.parameters
        return found

    def is_free(self, provider: str, model_id: str) -> bool:
        """Whether an id without any figure is free, rather than unpriced."""
        return model_id.endswith(":free") or any(
            fnmatchcase(model_id, pattern) for pattern in self.free.get(provider, ())
        )


def _is_one_of(model: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def read_curated(path: Path = CURATED) -> Curated:
    """Read the file.

    Raises OSError where it cannot be read, tomllib.TOMLDecodeError and msgspec.ValidationError where it is wrong.
    """
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Curated)
