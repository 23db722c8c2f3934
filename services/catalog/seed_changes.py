"""What a seed changes in a catalog: compared with what the seed wrote last, so that edits of others stay."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from pantheon.catalog.v1 import model_pb2, provider_pb2
from services.catalog.entities import Endpoint, Model, Parameters, Provider, ProviderFlags
from services.catalog.prices import appended
from services.catalog.seed.rows import SeedModel, SeedProvider
from services.rating import PriceVersion
from services.runtime.ids import uuid7


@dataclass(frozen=True, slots=True)
class Seed:
    """All rows of a seed."""

    providers: tuple[SeedProvider, ...]
    models: tuple[SeedModel, ...]

    @property
    def digest(self) -> bytes:
        """The same for the same rows."""
        return row_digest((self.providers, self.models))


@dataclass(frozen=True, slots=True)
class Written:
    """What earlier seeds have written: digests by provider name and by model id (of those still in the catalog), price
    versions by endpoint id.
    """

    providers: Mapping[str, bytes]
    models: Mapping[str, bytes]
    prices: Mapping[str, Sequence[PriceVersion]]


@dataclass(frozen=True, slots=True)
class SeedChanges:
    """What to write, with the digests to remember, and which models are another after that."""

    providers: tuple[tuple[Provider, bytes], ...] = ()
    models: tuple[tuple[Model, bytes], ...] = ()
    prices: tuple[tuple[str, PriceVersion], ...] = ()
    changed_models: frozenset[str] = frozenset()
    removed_models: tuple[str, ...] = ()


def seed_changes(seed: Seed, written: Written, now: datetime) -> SeedChanges:
    """Compares row by row. A provider that a seed no longer has stays; a model is removed."""
    providers = [(provider, row_digest(provider)) for provider in seed.providers]
    models = [(model, _digest_but_prices(model)) for model in seed.models]
    changed = [(model, digest) for model, digest in models if written.models.get(model.id) != digest]
    prices: list[tuple[str, PriceVersion]] = []
    changed_ids = {model.id for model, _ in changed}
    for model in seed.models:
        for endpoint in model.endpoints:
            wanted = [price.version() for price in endpoint.prices]
            added = appended(written.prices.get(endpoint.id, ()), wanted, now, lambda: str(uuid7()))
            prices += ((endpoint.id, version) for version in added)
            if added:
                changed_ids.add(model.id)
    return SeedChanges(
        providers=tuple(
            (_provider(row), digest) for row, digest in providers if written.providers.get(row.name) != digest
        ),
        models=tuple((_model(row), digest) for row, digest in changed),
        prices=tuple(prices),
        changed_models=frozenset(changed_ids),
        removed_models=tuple(sorted(written.models.keys() - {model.id for model in seed.models})),
    )


def row_digest(row: object) -> bytes:
    """SHA-256 of a seed row in JSON."""
    return hashlib.sha256(msgspec.json.encode(row)).digest()


def _digest_but_prices(model: SeedModel) -> bytes:
    # Prices are compared by what they charge; a digest of them would tell no more.
    bare = tuple(msgspec.structs.replace(endpoint, prices=()) for endpoint in model.endpoints)
    return row_digest(msgspec.structs.replace(model, endpoints=bare))


def _provider(row: SeedProvider) -> Provider:
    return Provider(
        name=row.name,
        display_name=row.display_name,
        default_base_url=row.base_url,
        base_url=row.base_url,
        wire_format=provider_pb2.WireFormat.Value(f"WIRE_FORMAT_{row.wire_format.name}"),
        auth_style=provider_pb2.AuthStyle.Value(f"AUTH_STYLE_{row.auth_style.name}"),
        models_url=row.models_url,
        key_variable=row.key_variable,
        base_url_variable=row.base_url_variable,
        key_check_url=row.key_check_url,
        flags=ProviderFlags(**msgspec.structs.asdict(row.flags)),
    )


def _model(row: SeedModel) -> Model:
    return Model(
        id=row.id,
        display_name=row.display_name,
        aliases=row.aliases,
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        input_modalities=tuple(model_pb2.Modality.Value(f"MODALITY_{kind.name}") for kind in row.input_modalities),
        output_modalities=tuple(model_pb2.Modality.Value(f"MODALITY_{kind.name}") for kind in row.output_modalities),
        supports_tools=row.supports_tools,
        supports_structured_output=row.supports_structured_output,
        supports_reasoning=row.supports_reasoning,
        release_time=row.release_time,
        deprecation_time=row.deprecation_time,
        successor_id=row.successor_id,
        unsupported_parameters=row.unsupported_parameters,
        default_parameters=msgspec.convert(row.default_parameters, Parameters),
        endpoints=tuple(Endpoint(endpoint.provider, endpoint.provider_model_id) for endpoint in row.endpoints),
    )
