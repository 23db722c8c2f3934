"""Limits and abilities of models, as models.dev publishes them (one JSON file, see `--facts`)."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import msgspec

from services.catalog.seed.rows import Modality

_MODALITIES = {"pdf": Modality.FILE, **{modality.value: modality for modality in Modality}}


class Limit(msgspec.Struct, frozen=True):
    """Tokens; 0 where models.dev does not know. Of an embedding model `output` counts dimensions."""

    context: int = 0
    output: int = 0


class Modalities(msgspec.Struct, frozen=True):
    """What goes in and what comes out."""

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()


class Cost(msgspec.Struct, frozen=True):
    """USD per million tokens; None where models.dev has no figure. With `tiers`, it is not the whole price."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None
    input_audio: Decimal | None = None
    tiers: tuple[msgspec.Raw, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """What models.dev says about one provider's offer of a model."""

    name: str
    limit: Limit
    modalities: Modalities
    release_date: str
    tool_call: bool | None = None
    structured_output: bool | None = None
    reasoning: bool | None = None
    # Whether it can be set.
    temperature: bool | None = None
    status: str = ""
    cost: Cost = Cost()

    @property
    def max_output_tokens(self) -> int | None:
        """Most tokens of a completion; None where unknown."""
        return None if "embedding" in self.name.lower() else self.limit.output or None

    @property
    def deprecated(self) -> bool:
        """Whether it is no longer advised."""
        return self.status == "deprecated"

    @property
    def release_time(self) -> datetime | None:
        """When it appeared; None where only the month or nothing is given."""
        try:
            return datetime.combine(date.fromisoformat(self.release_date), time(), UTC)
        except ValueError:
            return None

    @property
    def input_modalities(self) -> tuple[Modality, ...]:
        """What a prompt may hold."""
        return tuple(_MODALITIES[name] for name in self.modalities.input)

    @property
    def output_modalities(self) -> tuple[Modality, ...]:
        """What a completion may hold."""
        return tuple(_MODALITIES[name] for name in self.modalities.output)


class Origin(msgspec.Struct, frozen=True):
    """Which state of models.dev this is."""

    repository: str
    commit: str
    date: date


class Facts(msgspec.Struct, frozen=True):
    """All facts, by `<provider>:<model id>`."""

    source: Origin
    models: dict[str, Fact]

    @property
    def label(self) -> str:
        """How a row names this source."""
        return f"models.dev {self.source.date.isoformat()}"

    def known(self, provider: str) -> dict[str, Fact]:
        """By model id, what a provider (as models.dev names it) offers."""
        prefix = f"{provider}:"
        return {key.removeprefix(prefix): fact for key, fact in self.models.items() if key.startswith(prefix)}


def read_facts(path: Path) -> Facts:
    """Read the file.

    Raises OSError where it cannot be read, msgspec.ValidationError where it is not what it should be.
    """
    return msgspec.json.decode(path.read_bytes(), type=Facts)
