from pathlib import Path

import pytest

from services.local.stack import SERVICES, Ports, Secrets, StackPlan

SECRETS = Secrets("the master key", "the pepper")
DATABASE = "postgresql://pantheon:password@127.0.0.1:5432/pantheon"
PROVIDERS = {"OPENAI_API_KEY": "sk-real", "OPENAI_BASE_URL": "http://127.0.0.1:1"}


def plan(**given: object) -> StackPlan:
    return StackPlan(Path("state"), Ports(), environment={"PATH": "here"}, **given)  # type: ignore[arg-type]


def environments(of: StackPlan) -> dict[str, dict[str, str]]:
    return {
        name: of.service_environment(name, SECRETS, database_url=DATABASE, nats_url="nats://here", ops_port=7)
        for name in of.services
    }


def who_has(found: dict[str, dict[str, str]], value: str) -> set[str]:
    return {name for name, environment in found.items() if value in environment.values()}


def test_each_secret_is_told_only_to_who_needs_it() -> None:
    found = environments(plan(sandbox=False, provider_environment=PROVIDERS))
    assert who_has(found, "the master key") == {"auth", "catalog"}
    assert who_has(found, "sk-real") == {"catalog"}
    assert who_has(found, DATABASE) == {"auth", "catalog", "usage"}
    for environment in found, environments(plan()):
        assert who_has(environment, "nats://here") == {"auth", "catalog", "usage", "router"}
        assert who_has(environment, "the pepper") == {"auth", "catalog", "usage", "router"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_told_where_the_others_are_and_to_look_nowhere_else(name: str) -> None:
    environment = environments(plan())[name]
    assert environment["PANTHEON_ENV_FILE"] == ""
    assert environment["PANTHEON_OPS_LISTEN"] == "127.0.0.1:7"
    assert environment["PANTHEON_AUTH_ADDRESS"] == "127.0.0.1:50054"
    assert environment["PATH"] == "here"


def test_with_the_sandbox_the_catalog_is_told_of_it() -> None:
    assert environments(plan())["catalog"]["PANTHEON_SANDBOX_URL"] == "http://127.0.0.1:8099"


def test_without_the_sandbox_there_is_none() -> None:
    real = plan(sandbox=False)
    assert "sandbox" not in real.services
    assert real.sandbox_url == ""
    assert environments(real)["catalog"]["PANTHEON_SANDBOX_URL"] == ""


def test_secrets_are_not_shown() -> None:
    shown = repr(
        plan(provider_environment=PROVIDERS, database_url=DATABASE, secrets=SECRETS, nats_url="nats://token@here")
    )
    assert not [
        secret for secret in ("sk-real", "password", "token", "the pepper", "the master key") if secret in shown
    ]
