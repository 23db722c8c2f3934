import pytest

from services.catalog.seed.load import load_providers
from services.catalog.seed.rows import SeedProvider
from services.local.stack import Surroundings

GIVEN = {
    "PATH": "here",
    "PANTHEON_LOG_LEVEL": "debug",
    "PANTHEON_DATABASE_URL": "postgresql://elsewhere",
    "PANTHEON_MASTER_KEY": "secret",
    "PANTHEON_HTTP_PORT": "8081",
    "OPENROUTER_API_KEY": "sk-or-real",
    "OPENAI_BASE_URL": "http://127.0.0.1:1",
    "GEMINI_API_KEY": "",
}


def test_keys_and_base_urls_are_for_the_catalog_alone() -> None:
    found = Surroundings.of(GIVEN)
    assert found.providers == {"OPENROUTER_API_KEY": "sk-or-real", "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    assert found.with_keys


def test_everybody_gets_the_other_settings_but_none_that_the_stack_decides() -> None:
    assert Surroundings.of(GIVEN).common == {"PATH": "here", "PANTHEON_LOG_LEVEL": "debug"}


def test_a_base_url_or_an_empty_key_is_no_key() -> None:
    assert not Surroundings.of({"OPENAI_BASE_URL": "http://127.0.0.1:1", "OPENAI_API_KEY": ""}).with_keys


def test_a_provider_that_needs_no_key_is_wanted_by_its_base_url() -> None:
    found = Surroundings.of({"OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1"})
    assert found.with_keys
    assert found.providers == {"OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1"}


@pytest.mark.parametrize("provider", [pytest.param(row, id=row.name) for row in load_providers()])
def test_every_provider_of_the_seed_can_be_set_up_from_the_environment(provider: SeedProvider) -> None:
    names = filter(None, (provider.key_variable, provider.base_url_variable))
    given = dict.fromkeys(names, "https://one.example/v1")
    found = Surroundings.of(given)
    assert found.providers == given
    assert found.with_keys
    assert not found.common


def test_a_throw_away_stack_takes_over_neither_settings_nor_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    found = Surroundings.throw_away()
    assert found.common["PATH"] == "here"
    assert not [name for name in found.common if name.startswith("PANTHEON_") or name in GIVEN.keys() - {"PATH"}]
    assert not found.providers
    assert not found.with_keys
