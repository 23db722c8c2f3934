"""Reads curated.toml: what neither genai-prices nor models.dev says."""

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from services.catalog.seed.rows import Modality, SeedProvider

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

    def serves(self, provider: str, model_id: str) -> bool:
        """Whether an id that a price list has is one the provider knows."""
        patterns = (pattern for entry in self.left_out if entry.provider == provider for pattern in entry.ids)
        return not any(fnmatchcase(model_id, pattern) for pattern in patterns)

    def is_free(self, provider: str, model_id: str) -> bool:
        """Whether an id without any figure is free, rather than unpriced."""
        return model_id.endswith(":free") or any(
            fnmatchcase(model_id, pattern) for pattern in self.free.get(provider, ())
        )


def read_curated(path: Path = CURATED) -> Curated:
    """Read the file.

    Raises OSError where it cannot be read, tomllib.TOMLDecodeError and msgspec.ValidationError where it is wrong.
    """
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Curated)
