"""What PANTHEON_EGRESS_ALLOW opens, a model on this machine for one, works; its own key goes there and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from pantheon.catalog.v1.catalog_service_pb2 import CreateCustomModelRequest, UpdateCustomModelRequest
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from services.catalog.settings import CatalogSettings
from services.local.nats import LocalNats
from services.router.settings import RouterSettings
from services.runtime.egress import EgressSettings
from tests.fixtures.databases import database_from
from tests.fixtures.refusals import refusal
from tests.integration.catalog.conftest import migrated
from tests.integration.router.egress_doors import told_of
from tests.integration.router.following import Following, following_catalog
from tests.integration.router.witness import Witness, witnessing

catalog_database_url = database_from(migrated)

KEY = "sk-canary-of-the-local-model"
ANOTHER = "sk-canary-of-the-other-model"


@dataclass
class Opened:
    """Two servers that the operator has opened, and one that not."""

    following: Following
    local: Witness
    other: Witness
    closed: Witness

    async def make(self, witness: Witness, api_key: str = KEY) -> CustomModel:
        request = CreateCustomModelRequest(custom_model=described(witness), api_key=api_key)
        made: CustomModel = (await self.following.change("CreateCustomModel", request)).custom_model
        return made

    async def move(self, model: CustomModel, witness: Witness, **fields: Any) -> CustomModel:
        moved = CustomModel(id=model.id, api_endpoint=described(witness).api_endpoint)
        request = UpdateCustomModelRequest(custom_model=moved, update_mask=FieldMask(paths=["api_endpoint"]), **fields)
        changed: CustomModel = (await self.following.change("UpdateCustomModel", request)).custom_model
        return changed

    async def ask_all(self, model: CustomModel) -> list[int | str]:
        """What a completion, and a test of the kept model, come to."""
        answer = await self.following.ask(model.model_id)
        test = await self.following.tried(model=model.model_id)
        return [answer.status_code, test.refusal or test.text]


def described(witness: Witness) -> CustomModel:
    endpoint = f"{witness.url}/v1/chat/completions"
    return CustomModel(model_id="custom/local", name="Local", provider="openai", api_endpoint=endpoint)


def keys_seen(witness: Witness) -> list[str]:
    """And forgets them."""
    seen = [one.key for one in witness.seen]
    witness.seen.clear()
    return seen


@pytest.fixture
async def opened(
    tmp_path: Path, own_nats: LocalNats, catalog_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Opened]:
    async with AsyncExitStack() as stack:
        local, other, closed = [await stack.enter_async_context(witnessing()) for _ in range(3)]
        monkeypatch.setenv("PANTHEON_EGRESS_ALLOW", f"127.0.0.1:{local.port}, 127.0.0.1:{other.port}")
        allow = EgressSettings.load().egress_allow
        environment = {"OPENAI_API_KEY": "sk-of-the-platform"}
        following = await stack.enter_async_context(
            following_catalog(tmp_path, own_nats.url, catalog_database_url, environment, allow)
        )
        yield Opened(following, local, other, closed)
        assert closed.seen == []


def test_catalog_and_router_read_the_same_variable() -> None:
    for settings in (CatalogSettings, RouterSettings):
        assert issubclass(settings, EgressSettings)
        assert "egress_allow" not in vars(settings).get("__annotations__", {})


async def test_a_local_model_is_tried_made_tried_again_and_used_with_its_own_key(opened: Opened) -> None:
    before = await opened.following.tried(custom_model=described(opened.local), api_key=KEY)
    assert (before.text, before.refusal) == ("A bee.", "")
    made = await opened.make(opened.local)
    assert made.base_url == f"{opened.local.url}/v1"
    assert not made.provider_hosted
    assert await opened.ask_all(made) == [200, "A bee."]
    assert keys_seen(opened.local) == [KEY] * 3
    assert opened.other.seen == []


async def test_what_is_beside_it_stays_closed(opened: Opened) -> None:
    made = await opened.make(opened.local)
    for call in (
        opened.make(opened.closed),
        opened.move(made, opened.closed, api_key=KEY),
        opened.following.tried(custom_model=described(opened.closed), api_key=KEY),
    ):
        error = await refusal(call)
        assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_endpoint")
    # And where the catalog was asked before the operator thought better of it:
    made.base_url = f"{opened.closed.url}/v1"
    opened.following.router.snapshot.apply(told_of(made))
    assert (await opened.following.ask(made.model_id)).status_code == 400
    assert (await refusal(opened.following.tried(model=made.model_id))).reason == "INVALID_FIELD"


async def test_its_key_does_not_move_with_it(opened: Opened) -> None:
    made = await opened.make(opened.local)
    assert (await refusal(opened.move(made, opened.other))).metadata["field"] == "api_key"
    bare = await opened.move(made, opened.other, api_key="")
    assert await opened.ask_all(bare) == [200, "A bee."]
    assert keys_seen(opened.other) == ["", ""]
    changed = await opened.move(bare, opened.other, api_key=ANOTHER)
    assert await opened.ask_all(changed) == [200, "A bee."]
    assert keys_seen(opened.other) == [ANOTHER, ANOTHER]
    back = await opened.move(changed, opened.local, api_key=KEY)
    assert await opened.ask_all(back) == [200, "A bee."]
    assert (keys_seen(opened.local), keys_seen(opened.other)) == ([KEY, KEY], [])


async def test_a_router_that_hears_of_a_move_alone_shows_the_key_to_nobody(opened: Opened) -> None:
    made = await opened.make(opened.local)
    made.base_url = f"{opened.other.url}/v1"
    opened.following.router.snapshot.apply(told_of(made))
    await opened.ask_all(made)
    assert KEY not in keys_seen(opened.other)
    assert opened.local.seen == []


async def test_its_key_does_not_follow_a_redirect(opened: Opened) -> None:
    opened.local.elsewhere = f"{opened.other.url}/v1/chat/completions"
    unsaved = await opened.following.tried(custom_model=described(opened.local), api_key=KEY)
    assert unsaved.refusal == "The provider answered 307"
    assert await opened.ask_all(await opened.make(opened.local)) == [502, "The provider answered 307"]
    assert keys_seen(opened.local) == [KEY] * 3
    assert opened.other.seen == []
