"""Models that users have described: where they are sent, over which connections, and who sees them."""

import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.catalog.v1.model_pb2 import Model
from pantheon.catalog.v1.provider_key_pb2 import CustomModelSecret, ProviderKeyStatus
from pantheon.events.v1.change_pb2 import Change, CustomModelChanged, ModelChanged
from services.router.upstream import Timeouts
from services.router.upstream.names import Address
from services.router.upstreams import Upstreams
from services.runtime.egress import EgressPolicy
from tests.fixtures.eventually import eventually
from tests.integration.router.failing import SURFACES, fails
from tests.integration.router.running import RunningRouter, model, provider, running_router
from tests.integration.router.witness import Witness, witnessing

USER, PROJECT = "user-1", "project-1"


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    async with witnessing() as witness:
        yield witness


@pytest.fixture
async def opened(tmp_path: Path, witness: Witness) -> AsyncIterator[RunningRouter]:
    """A router whose operator has opened the loopback interface; OpenAI is the witness."""
    changes = [provider("openai", f"{witness.url}/v1"), model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",))]
    async with running_router(tmp_path, changes, {"openai": ("platform-key",)}, egress_allow="127.0.0.1") as router:
        yield router


@pytest.fixture
async def closed(tmp_path: Path, witness: Witness) -> AsyncIterator[RunningRouter]:
    """The same without anything opened."""
    changes = [provider("openai", f"{witness.url}/v1"), model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",))]
    async with running_router(tmp_path, changes, {"openai": ("platform-key",)}) as router:
        yield router


def custom(base_url: str, model_id: str = "custom/mine", *, user: str = USER, **fields: Any) -> Change:
    row = CustomModel(
        id=f"{user} {model_id}",
        model_id=model_id,
        user_id=user,
        provider="openai",
        provider_model_id="bees-7b",
        base_url=base_url,
        **fields,
    )
    return Change(custom_model_changed=CustomModelChanged(custom_model=row))


async def test_one_elsewhere_has_its_own_connections_and_is_shown_no_key_of_a_provider_s(
    opened: RunningRouter, witness: Witness
) -> None:
    opened.snapshot.apply(custom(f"{witness.url}/v1"))
    for name in ("gpt-4", "custom/mine", "gpt-4", "custom/mine"):
        assert (await opened.post(name)).status_code == 200
    assert [seen.key for seen in witness.seen] == ["platform-key", "", "platform-key", ""]
    trusted, guarded, trusted_again, guarded_again = (seen.client for seen in witness.seen)
    assert trusted == trusted_again != guarded == guarded_again


async def test_one_that_its_provider_hosts_shares_the_provider_s_connections_and_keys(
    opened: RunningRouter, witness: Witness
) -> None:
    opened.snapshot.apply(custom("https://api.openai.com/v1", provider_hosted=True))
    for name in ("gpt-4", "custom/mine"):
        assert (await opened.post(name)).status_code == 200
    assert [seen.key for seen in witness.seen] == ["platform-key", "platform-key"]
    assert len({seen.client for seen in witness.seen}) == 1
    assert witness.last.body["model"] == "bees-7b"


async def test_its_own_key_is_shown_to_its_own_origin_alone(opened: RunningRouter, witness: Witness) -> None:
    for id_, origin in (
        (f"{USER} custom/mine", witness.url),
        (f"{USER} custom/moved", "https://models.example.org:443"),
    ):
        secret = CustomModelSecret(custom_model_id=id_, key_version=1, origin=origin, secret="own-key")
        opened.secrets.custom_models.append(secret)
    for name in ("custom/mine", "custom/moved"):
        opened.snapshot.apply(custom(f"{witness.url}/v1", name, has_api_key=True, key_version=1))
    await eventually(lambda: not opened.keys.is_fetching)
    assert (await opened.post("custom/mine")).status_code == 200
    assert witness.last.key == "own-key"
    assert (await opened.post("custom/moved")).status_code == 200
    assert witness.last.key == ""


async def test_a_key_that_has_not_come_is_waited_for_instead_of_another_being_shown(
    opened: RunningRouter, witness: Witness
) -> None:
    opened.snapshot.apply(custom("https://api.openai.com/v1", provider_hosted=True, has_api_key=True, key_version=1))
    failed = await fails(opened, "http", "custom/mine")
    assert (failed.status, failed.reason) == (503, "DEPENDENCY_UNAVAILABLE")
    assert witness.seen == []


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("scheme", ("http", "https"))
async def test_where_users_may_not_point_nothing_is_sent_and_nothing_booked(
    closed: RunningRouter, witness: Witness, surface: str, scheme: str
) -> None:
    closed.snapshot.apply(custom(f"{scheme}://127.0.0.1:{witness.port}/v1"))
    failed = await fails(closed, surface, "custom/mine")
    assert (failed.status, failed.reason) == (
        400 if surface.startswith("http") else "INVALID_ARGUMENT",
        "INVALID_FIELD",
    )
    assert failed.metadata["field"] == "api_endpoint"
    assert "PANTHEON_EGRESS_ALLOW" in failed.message
    assert (await closed.one_finished()).not_dispatched
    assert witness.seen == []


async def test_a_name_that_has_such_an_address_is_refused_as_it_is_connected_to(
    tmp_path: Path, witness: Witness
) -> None:
    async def lookup(host: str, port: int) -> Sequence[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    upstreams = Upstreams(Timeouts(), EgressPolicy(), lookup=lookup)
    changes = [provider("openai", f"{witness.url}/v1"), custom(f"https://models.example.org:{witness.port}/v1")]
    async with running_router(tmp_path, changes, {"openai": ("platform-key",)}, upstreams=upstreams) as router:
        failed = await fails(router, "http", "custom/mine")
        assert (failed.status, failed.reason, failed.metadata["field"]) == (400, "INVALID_FIELD", "api_endpoint")
        assert (await router.one_finished()).not_dispatched
    assert witness.seen == []


async def test_somebody_else_s_is_not_there(opened: RunningRouter, witness: Witness) -> None:
    opened.snapshot.apply(custom(f"{witness.url}/v1", user="user-2"))
    failed = await fails(opened, "http", "custom/mine")
    assert (failed.status, failed.reason, failed.metadata) == (404, "MODEL_NOT_FOUND", {"model": "custom/mine"})


@pytest.mark.parametrize("headers", ({}, {"anthropic-version": "2023-06-01"}))
async def test_models_are_listed_with_the_caller_s_own_and_the_project_s(
    opened: RunningRouter, witness: Witness, headers: dict[str, str]
) -> None:
    for change in (
        custom(witness.url),
        custom(witness.url, "custom/ours", user="user-2", project_id=PROJECT),
        custom(witness.url, "custom/theirs", user="user-2"),
    ):
        opened.snapshot.apply(change)
    listed = (await opened.http.get("/v1/models", headers=headers)).json()["data"]
    assert [one["id"] for one in listed] == ["openai/gpt-4", "custom/ours", "custom/mine"]
    one = await opened.http.get("/v1/models/custom/ours", headers=headers)
    assert (one.status_code, one.json()["id"]) == (200, "custom/ours")
    assert (await opened.http.get("/v1/models/custom/theirs", headers=headers)).status_code == 404


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_can_t_fit_is_refused_with_the_figures_before_anything_is_sent(
    opened: RunningRouter, witness: Witness, surface: str
) -> None:
    row = Model()
    row.CopyFrom(model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",)).model_changed.model)
    row.context_window = 3
    opened.snapshot.apply(Change(model_changed=ModelChanged(model=row)))
    failed = await fails(opened, surface, "gpt-4")
    assert failed.status == (400 if surface.startswith("http") else "INVALID_ARGUMENT")
    assert failed.reason == "CONTEXT_TOO_LONG"
    assert failed.metadata.keys() == {"model", "window", "prompt_tokens", "max_tokens"}
    assert witness.seen == []
    assert await opened.events() == []


async def test_an_unknown_use_case_is_refused_with_those_there_are(opened: RunningRouter) -> None:
    failed = await fails(opened, "http", "auto/poetry")
    assert (failed.status, failed.reason, failed.metadata["field"]) == (400, "INVALID_FIELD", "model")
    assert "auto/long-context" in failed.message


async def test_what_a_provider_says_of_its_key_is_reported(tmp_path: Path, witness: Witness) -> None:
    changes = [provider("openai", f"{witness.url}/v1"), model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",))]
    async with running_router(tmp_path, changes, {"openai": ("invalid", "good")}) as router:
        for _ in range(4):
            assert (await router.post()).status_code == 200
        assert [seen.key for seen in witness.seen] == ["invalid", "good", "good", "good", "good"]
        await eventually(lambda: len(router.secrets.reports) == 2)
        names = [(key, ProviderKeyStatus.Name(status)) for key, status in router.secrets.reports]
    assert names == [
        ("id of invalid", "PROVIDER_KEY_STATUS_INVALID"),
        ("id of good", "PROVIDER_KEY_STATUS_VALID"),
    ]
