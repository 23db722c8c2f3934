from datetime import UTC, datetime, timedelta

import msgspec

from pantheon.catalog.v1.model_pb2 import MODALITY_IMAGE, MODALITY_TEXT
from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_BEARER, WIRE_FORMAT_OPENAI_CHAT
from services.catalog.seed.rows import SeedModel
from services.catalog.seed_changes import Seed, SeedChanges, Written, seed_changes
from services.rating import PriceVersion
from tests.unit.catalog.samples import CLAUDE, GPT_4, LLAMA, OPENAI, SEED, endpoint, price

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOTHING = Written({}, {}, {})


def after(changes: SeedChanges) -> Written:
    """What is written once the changes are, beginning with nothing."""
    prices: dict[str, list[PriceVersion]] = {}
    for endpoint_id, version in changes.prices:
        prices.setdefault(endpoint_id, []).append(version)
    return Written(
        {provider.name: digest for provider, digest in changes.providers},
        {model.id: digest for model, digest in changes.models},
        prices,
    )


WRITTEN = after(seed_changes(SEED, NOTHING, NOW))


def with_models(*models: SeedModel) -> Seed:
    return Seed(SEED.providers, models)


def ids(changes: SeedChanges) -> list[str]:
    return [model.id for model, _ in changes.models]


def test_a_new_catalog_gets_everything() -> None:
    changes = seed_changes(SEED, NOTHING, NOW)
    assert [provider.name for provider, _ in changes.providers] == ["openai", "openrouter", "anthropic", "local"]
    assert ids(changes) == [CLAUDE.id, LLAMA.id, GPT_4.id]
    assert changes.changed_models == {CLAUDE.id, LLAMA.id, GPT_4.id}
    assert [name for name, _ in changes.prices] == [
        "anthropic:claude-3-opus-20240229",
        "openai:gpt-4",
        "openai:gpt-4",
        "openrouter:openai/gpt-4",
    ]


def test_rows_become_entities_with_the_contract_s_numbers() -> None:
    changes = seed_changes(SEED, NOTHING, NOW)
    openai, gpt_4 = changes.providers[0][0], changes.models[2][0]
    assert (openai.wire_format, openai.auth_style) == (WIRE_FORMAT_OPENAI_CHAT, AUTH_STYLE_BEARER)
    assert (openai.default_base_url, openai.configured) == ("https://api.openai.com/v1", False)
    assert openai.flags.renames_max_tokens
    assert gpt_4.input_modalities == (MODALITY_TEXT, MODALITY_IMAGE)
    assert [offer.id for offer in gpt_4.endpoints] == ["openai:gpt-4", "openrouter:openai/gpt-4"]
    assert (gpt_4.supports_tools, gpt_4.supports_structured_output, gpt_4.supports_reasoning) == (True, None, False)


def test_the_same_seed_changes_nothing() -> None:
    assert seed_changes(SEED, WRITTEN, NOW) == SeedChanges()


def test_only_what_differs_is_written() -> None:
    longer = msgspec.structs.replace(GPT_4, context_window=16_384)
    changes = seed_changes(with_models(CLAUDE, LLAMA, longer), WRITTEN, NOW)
    assert ids(changes) == [GPT_4.id]
    assert changes.changed_models == {GPT_4.id}
    assert (changes.providers, changes.prices, changes.removed_models) == ((), (), ())


def test_a_changed_provider_changes_no_model() -> None:
    moved = msgspec.structs.replace(OPENAI, base_url="https://eu.api.openai.com/v1")
    changes = seed_changes(Seed((moved, *SEED.providers[1:]), SEED.models), WRITTEN, NOW)
    assert [provider.base_url for provider, _ in changes.providers] == ["https://eu.api.openai.com/v1"]
    assert changes.changed_models == frozenset()


def test_a_new_price_changes_its_model_and_is_recorded_now() -> None:
    cheaper = price("anthropic:claude-3-opus-20240229", "1", "2", NOW - timedelta(days=1))
    offer = msgspec.structs.replace(CLAUDE.endpoints[0], prices=(*CLAUDE.endpoints[0].prices, cheaper))
    changes = seed_changes(with_models(msgspec.structs.replace(CLAUDE, endpoints=(offer,)), LLAMA, GPT_4), WRITTEN, NOW)
    assert ids(changes) == []
    assert changes.changed_models == {CLAUDE.id}
    ((endpoint_id, version),) = changes.prices
    assert (endpoint_id, version.id, version.recorded) == (offer.id, cheaper.id, NOW)


def test_a_model_the_seed_no_longer_has_is_removed() -> None:
    changes = seed_changes(with_models(CLAUDE, GPT_4), WRITTEN, NOW)
    assert changes == SeedChanges(removed_models=(LLAMA.id,))


def test_an_endpoint_that_moves_to_another_model_keeps_its_prices() -> None:
    (first, second), moved = GPT_4.endpoints, GPT_4.endpoints[1]
    assert second is moved
    poorer = msgspec.structs.replace(GPT_4, endpoints=(first,))
    richer = msgspec.structs.replace(LLAMA, endpoints=(*LLAMA.endpoints, moved))
    changes = seed_changes(with_models(CLAUDE, richer, poorer), WRITTEN, NOW)
    assert ids(changes) == [LLAMA.id, GPT_4.id]
    assert changes.prices == ()


def test_the_digest_depends_on_every_row() -> None:
    other = with_models(*SEED.models[:-1])
    dearer = with_models(msgspec.structs.replace(LLAMA, endpoints=(endpoint("local", "llama3", ("1", "1")),)))
    digests = [SEED.digest, other.digest, dearer.digest, Seed(SEED.providers[1:], SEED.models).digest]
    assert len(set(digests)) == len(digests)
    assert Seed(SEED.providers, SEED.models).digest == SEED.digest
