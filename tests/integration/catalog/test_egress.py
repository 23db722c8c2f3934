"""No spelling of a forbidden address is kept as an endpoint, and the catalog connects to none: it resolves names only.

What a name leads to may change after that, which is why the router judges it again: tests/integration/router has that.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from google.protobuf.descriptor import Descriptor

from pantheon.catalog.v1 import catalog_service_pb2
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from services.local.databases import Databases
from tests.fixtures.databases import DatabaseTemplates, temporary_database
from tests.fixtures.forbidden_hosts import FORBIDDEN_HOSTS
from tests.fixtures.refusals import refusal
from tests.integration.catalog.conftest import migrated
from tests.integration.catalog.people import Person, described
from tests.integration.catalog.replica import Catalog, started
from tests.integration.router.upstream.conftest import make_authority
from tests.integration.runtime.egress_ground import (
    NAME,
    OPEN_HOST,
    Ground,
    connections_tried,
    meaning,
    open_ground,
    spellings_proven,
)

Door = Callable[[str], Any]

RESOLVED = "expected a host with a public address; others need an entry by the operator in PANTHEON_EGRESS_ALLOW"


@dataclass
class Judged:
    """A catalog, a person with one model in it, and the ground that it must not touch."""

    catalog: Catalog
    ground: Ground
    ada: Person
    kept: CustomModel
    tried: list[Any]
    answers: list[Sequence[tuple[Any, ...]]]
    """What NAME's look-ups find, one after the other."""

    def endpoint_at(self, host: str) -> str:
        return f"https://{host}:{self.ground.port}/v1/chat/completions"

    @property
    def doors(self) -> list[Door]:
        def moved(endpoint: str) -> Any:
            return self.ada.update(self.catalog, CustomModel(id=self.kept.id, api_endpoint=endpoint), "api_endpoint")

        return [
            lambda endpoint: self.ada.create(self.catalog, described("new", api_endpoint=endpoint)),
            lambda endpoint: self.ada.check(self.catalog, described("new", api_endpoint=endpoint)),
            moved,
        ]

    async def assert_silence(self) -> None:
        """Nothing was connected to, and nothing kept."""
        assert self.ground.silent
        assert self.ground.reached() == []
        assert [address for address in self.tried if address[1] == self.ground.port] == []
        assert self.ground.provider.peers == []
        assert await self.ada.list(self.catalog) == [self.kept]


@pytest.fixture(scope="module")
async def judged(
    postgres: Databases,
    database_templates: DatabaseTemplates,
    service_keys: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Judged]:
    authority = make_authority(tmp_path_factory.mktemp("egress"), [x509.DNSName(NAME)])
    template = await database_templates.name_of(migrated)
    async with AsyncExitStack() as stack:
        tried = stack.enter_context(connections_tried())
        ground = await stack.enter_async_context(open_ground(authority))
        answers: list[Sequence[tuple[Any, ...]]] = []

        async def lookup(host: str, port: int) -> Sequence[tuple[Any, ...]]:
            return answers.pop(0) if host == NAME else [found.address for found in meaning(host, port)]

        dsn = await stack.enter_async_context(temporary_database(postgres, template))
        catalog = await started(stack, dsn, service_keys, egress_allow=ground.allow, lookup=lookup)
        ada = Person()
        kept = await ada.create(catalog, described("kept"))
        yield Judged(catalog, ground, ada, kept, tried, answers)


async def assert_refused(call: Any, host: str) -> str:
    """What is expected instead."""
    error = await refusal(call)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_endpoint")
    assert repr(host.rpartition("@")[2])[1:-1] in error.message
    return str(error.metadata["allowed"])


@pytest.mark.proof
async def test_a_forbidden_host_is_refused(judged: Judged, record_property: Callable[[str, object], None]) -> None:
    attempts = 0
    for host in FORBIDDEN_HOSTS:
        for door in judged.doors:
            await assert_refused(door(judged.endpoint_at(host)), host)
            attempts += 1
    await judged.assert_silence()
    spellings_proven(record_property, "directly, by 3 doors of the catalog", attempts)


@pytest.mark.proof
async def test_a_name_that_changes_its_answer_is_looked_up_each_time(
    judged: Judged, record_property: Callable[[str, object], None]
) -> None:
    attempts, endpoint = 0, judged.endpoint_at(NAME)
    for number, host in enumerate(FORBIDDEN_HOSTS):
        forbidden = [found.address for found in meaning(host, judged.ground.port)]
        judged.answers[:] = [forbidden]
        if number % 4 == 0:
            judged.answers.insert(0, [(OPEN_HOST, judged.ground.port)])
            await judged.ada.check(judged.catalog, described("new", api_endpoint=endpoint))
        door = judged.doors[number % len(judged.doors)]
        assert await assert_refused(door(endpoint), NAME) == RESOLVED, "the same wherever it leads"
        assert judged.answers == []
        attempts += 1
    await judged.assert_silence()
    spellings_proven(record_property, "by a name that changes its answer, by 3 doors of the catalog", attempts)


async def test_an_endpoint_that_was_public_is_kept_and_left_to_the_router(judged: Judged) -> None:
    judged.answers[:] = [[(OPEN_HOST, judged.ground.port)]]
    made = await judged.ada.create(judged.catalog, described("later", api_endpoint=judged.endpoint_at(NAME)))
    assert not made.provider_hosted
    # A change that moves nothing asks nobody: the name may lead anywhere by now.
    await judged.ada.update(judged.catalog, CustomModel(id=made.id, name="Later"), "name")
    await judged.ada.delete(judged.catalog, made.id)
    await judged.assert_silence()


def test_no_other_rpc_takes_a_url_of_a_user() -> None:
    """CheckProviderKey and SyncModels ask providers at base URLs that operators have set: those need no guard."""
    (service,) = catalog_service_pb2.DESCRIPTOR.services_by_name.values()
    places = {
        f"{method.name}: {place}" for method in service.methods for place in places_in(method.input_type) if place
    }
    written = "custom_model.api_endpoint"
    output_only = "custom_model.base_url"
    takers = ("CreateCustomModel", "UpdateCustomModel", "CheckCustomModel")
    assert places == {f"{taker}: {place}" for taker in takers for place in (written, output_only)}


def places_in(message: Descriptor, path: str = "") -> set[str]:
    """The paths of the texts in a message that could be a URL, by their names."""
    found: set[str] = set()
    for field in message.fields:
        if field.message_type is not None:
            found |= places_in(field.message_type, f"{path}{field.name}.")
        elif field.name.rpartition("_")[2] in ("url", "uri", "endpoint", "host", "address", "origin"):
            found.add(f"{path}{field.name}")
    return found
