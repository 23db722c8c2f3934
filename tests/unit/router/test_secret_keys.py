"""Which key is shown to whom, and where keys come from."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsResponse
from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_VALID,
    CustomModelSecret,
    ProviderSecret,
    ProviderSecrets,
)
from services.router.catalog import CustomModel, Endpoint, Key
from services.router.plan import Candidate
from services.router.provider_keys import Status
from services.router.secret_keys import SecretKeys
from services.router.wanted import Wanted
from services.runtime.errors import DependencyUnavailable, NoEndpoint, ResourceNotFound
from services.runtime.tasks import Tasks
from tests.fixtures.eventually import eventually
from tests.unit.router.calls import WIRE, provider

ORIGIN = "https://models.example.org:443"
SECRET = CustomModelSecret(custom_model_id="m", key_version=1, origin=ORIGIN, secret="own")
PLATFORM = ProviderSecrets(provider="openai", secrets=[ProviderSecret(key_id="k", secret="platform")])
ANSWER = ListSecretsResponse(provider_secrets=[PLATFORM], custom_model_secrets=[SECRET])
MODEL = CustomModel(
    "m", "custom/m", "u", Endpoint("openai", "m"), "https://models.example.org/v1", False, key_version=1
)


@dataclass
class Catalog:
    """A Source that notes what it is asked for, and fails as often as it is told to."""

    answer: ListSecretsResponse = field(default_factory=lambda: ANSWER)
    failures: list[Exception] = field(default_factory=list)
    asked: asyncio.Queue[tuple[bool, list[str]]] = field(default_factory=asyncio.Queue)
    reported: asyncio.Queue[tuple[str, Status]] = field(default_factory=asyncio.Queue)

    async def secrets(self, *, providers: bool, custom_model_ids: Sequence[str]) -> ListSecretsResponse:
        self.asked.put_nowait((providers, sorted(custom_model_ids)))
        if self.failures:
            raise self.failures.pop()
        found = [one for one in self.answer.custom_model_secrets if one.custom_model_id in custom_model_ids]
        known = self.answer.provider_secrets if providers else []
        return ListSecretsResponse(provider_secrets=known, custom_model_secrets=found)

    async def report(self, key_id: str, status: Status) -> None:
        self.reported.put_nowait((key_id, status))
        if self.failures:
            raise self.failures.pop()


@asynccontextmanager
async def kept(catalog: Catalog, *models: str) -> AsyncIterator[tuple[SecretKeys, Wanted]]:
    """Keys that were fetched once, with those of these custom models, and go on being fetched."""
    wanted = Wanted()
    for id_ in models:
        wanted.add_custom_model(id_)
    keys, tasks = SecretKeys(catalog, wanted), Tasks()
    tasks.start("keep", keys.keep())
    tasks.start("report", keys.report())
    try:
        async with asyncio.timeout(10):
            await catalog.asked.get()
            await keys.providers.loaded.wait()
            yield keys, wanted
    finally:
        await tasks.close()


def candidate(
    custom: CustomModel | None = None, base_url: str = "", key: Key | None = None, **fields: Any
) -> Candidate:
    where = replace(provider("openai"), base_url=base_url or "https://models.example.org/v1", **fields)
    return Candidate(where, Endpoint("openai", "m"), WIRE, (), custom, key)


def shown(keys: SecretKeys, to: Candidate) -> list[str]:
    return [key.secret for key in keys.for_candidate(to, "organisation-1")]


async def test_a_provider_is_shown_its_keys() -> None:
    async with kept(Catalog()) as (keys, _):
        assert shown(keys, candidate()) == ["platform"]
        assert shown(keys, candidate(key_header="")) == [""]


async def test_a_custom_model_is_shown_its_own_key() -> None:
    async with kept(Catalog(), "m") as (keys, _):
        assert shown(keys, candidate(MODEL)) == ["own"]
        assert shown(keys, candidate(replace(MODEL, provider_hosted=True))) == ["own"]


async def test_one_that_its_provider_hosts_and_that_has_no_key_is_shown_the_provider_s() -> None:
    async with kept(Catalog()) as (keys, _):
        assert shown(keys, candidate(replace(MODEL, provider_hosted=True, key_version=0))) == ["platform"]


async def test_one_elsewhere_is_never_shown_the_provider_s() -> None:
    async with kept(Catalog()) as (keys, _):
        assert shown(keys, candidate(replace(MODEL, key_version=0))) == [""]


@pytest.mark.parametrize(
    "base_url", ("http://models.example.org/v1", "https://models.example.org:8443", "https://x.org")
)
async def test_a_key_goes_to_no_other_origin_than_its_own(base_url: str) -> None:
    async with kept(Catalog(), "m") as (keys, _):
        assert shown(keys, candidate(MODEL, base_url)) == [""]
        assert shown(keys, candidate(replace(MODEL, provider_hosted=True), base_url)) == ["platform"]
        given = Key("given", origin=ORIGIN)
        assert shown(keys, candidate(replace(MODEL, key_version=0), base_url, given)) == [""]


async def test_a_key_that_is_given_with_the_request_goes_to_its_origin() -> None:
    async with kept(Catalog()) as (keys, _):
        assert shown(keys, candidate(replace(MODEL, key_version=0), key=Key("given", origin=ORIGIN))) == ["given"]


async def test_the_key_of_an_earlier_version_is_not_shown_and_the_present_one_waited_for() -> None:
    async with kept(Catalog(), "m") as (keys, _):
        changed = candidate(replace(MODEL, key_version=2))
        assert shown(keys, changed) == []
        assert isinstance(keys.why_none([changed], "custom/m"), DependencyUnavailable)


async def test_why_there_is_no_key() -> None:
    async with kept(Catalog(ListSecretsResponse())) as (keys, _):
        found = keys.why_none([candidate()], "openai/gpt-4")
        assert isinstance(found, NoEndpoint)
        assert found.metadata == {"model": "openai/gpt-4"}
    unloaded = SecretKeys(Catalog(), Wanted())
    assert isinstance(unloaded.why_none([candidate()], "openai/gpt-4"), DependencyUnavailable)


async def test_only_what_may_have_changed_is_asked_for_again() -> None:
    catalog = Catalog()
    async with kept(catalog, "m") as (keys, wanted):
        wanted.add_custom_model("n")
        assert await catalog.asked.get() == (False, ["n"])
        wanted.add_providers()
        assert await catalog.asked.get() == (True, [])
        assert shown(keys, candidate(MODEL)) == ["own"]


async def test_a_key_that_is_gone_is_forgotten() -> None:
    catalog = Catalog()
    async with kept(catalog, "m") as (keys, wanted):
        catalog.answer = ListSecretsResponse()
        wanted.add_all(["m"])
        assert await catalog.asked.get() == (True, ["m"])
        await eventually(lambda: shown(keys, candidate()) == [])
        assert shown(keys, candidate(MODEL)) == []


async def test_more_than_a_thousand_are_asked_for_in_several_goes() -> None:
    catalog = Catalog()
    async with kept(catalog) as (_, wanted):
        wanted.add_all(f"m{number}" for number in range(2_500))
        answers = [await catalog.asked.get() for _ in range(3)]
        assert [providers for providers, _ in answers] == [True, False, False]
        assert [len(ids) for _, ids in answers] == [1_000, 1_000, 500]
        assert len({id_ for _, ids in answers for id_ in ids}) == 2_500


async def test_a_catalog_that_is_out_of_reach_is_asked_again() -> None:
    catalog = Catalog(failures=[DependencyUnavailable("catalog")])
    async with kept(catalog, "m") as (keys, _):
        assert await catalog.asked.get() == (True, ["m"])
        assert shown(keys, candidate(MODEL)) == ["own"]


async def test_what_providers_say_is_reported_until_the_catalog_has_heard() -> None:
    catalog = Catalog()
    async with kept(catalog) as (keys, _):
        catalog.failures.append(DependencyUnavailable("catalog"))
        keys.providers.hear(Key("platform", "k"), PROVIDER_KEY_STATUS_INVALID)
        for _ in range(2):
            assert await catalog.reported.get() == ("k", PROVIDER_KEY_STATUS_INVALID)


async def test_a_key_that_the_catalog_does_not_know_any_more_is_not_reported_again() -> None:
    catalog = Catalog()
    async with kept(catalog) as (keys, _):
        catalog.failures.append(ResourceNotFound("provider_key", "k"))
        keys.providers.hear(Key("platform", "k"), PROVIDER_KEY_STATUS_INVALID)
        await catalog.reported.get()
        keys.providers.hear(Key("other", "l"), PROVIDER_KEY_STATUS_VALID)
        assert await catalog.reported.get() == ("l", PROVIDER_KEY_STATUS_VALID)
