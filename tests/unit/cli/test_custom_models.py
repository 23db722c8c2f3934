"""The guide's document as a request, and custom models as tables."""

import json

import pytest

from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest, GetCurrentUserResponse
from pantheon.catalog.v1.catalog_service_pb2 import (
    CreateCustomModelRequest,
    CreateCustomModelResponse,
    DeleteCustomModelRequest,
    DeleteCustomModelResponse,
    GetCustomModelRequest,
    GetCustomModelResponse,
    UpdateCustomModelRequest,
    UpdateCustomModelResponse,
)
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from services.cli import custom_models
from services.cli.custom_models import Change, model_facts, new_model, reached
from services.cli.running import CommandFailed
from services.edge.rest.bodies import parse_object
from services.edge.rest.custom_model_bodies import custom_model_body
from services.edge.rest.members import Members
from services.runtime.errors import InvalidField
from tests.fixtures.guide import CUSTOM_MODEL
from tests.unit.cli.answering import Answering, Prepared
from tests.unit.cli.printed import lines

CATALOG = "pantheon.catalog.v1.CatalogService"
AUTH = "pantheon.auth.v1.AuthService"
PROJECT = "01a20000-0000-7000-8000-000000000001"


def guide(**beside: object) -> Members:
    return parse_object(json.dumps({**json.loads(CUSTOM_MODEL), **beside}).encode())


def kept(**fields: object) -> CustomModel:
    return CustomModel(**{"id": "m1", "model_id": "custom/my-model", "name": "My Custom Model", **fields})  # type: ignore[arg-type]  # fields by their names


def test_the_guides_document_works_word_for_word() -> None:
    model = new_model(parse_object(CUSTOM_MODEL.encode()), None).custom_model
    assert (model.name, model.model_id, model.provider) == ("My Custom Model", "custom/my-model", "openrouter")
    assert model.api_endpoint == "https://openrouter.ai/api/v1/chat/completions"
    assert {field.name: value for field, value in model.parameters.ListFields()} == {
        "temperature": 0.7,
        "max_tokens": 4000,
        "top_p": 0.9,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
    }
    assert model.context_window == 8192
    assert (model.cost_per_1k_tokens.input.value, model.cost_per_1k_tokens.output.value) == ("0.01", "0.03")


def test_a_key_does_not_belong_in_the_document() -> None:
    with pytest.raises(
        CommandFailed, match="api_key: a key does not belong in the document; use --api-key-prompt"
    ) as e:
        new_model(guide(api_key="sk-secret"), None)
    assert "sk-secret" not in str(e.value)


def test_a_member_that_is_unknown_or_of_the_wrong_type_is_named() -> None:
    with pytest.raises(InvalidField, match=r"endpoint: 'unknown field' is not allowed; expected name, model_id"):
        new_model(guide(endpoint="https://example.com"), None)
    with pytest.raises(InvalidField, match=r"parameters\.temperature: 'hot' is not allowed; a number or null"):
        new_model(guide(parameters={"temperature": "hot"}), None)


def test_a_change_writes_what_the_document_names_and_the_key_where_there_is_one() -> None:
    document = parse_object(b'{"parameters": {"temperature": 0.1}, "cost_per_1k_tokens": null}')
    request = Change("custom/my-model", document, "sk-new").request()
    assert list(request.update_mask.paths) == ["cost_per_1k_tokens", "parameters.temperature", "api_key"]
    assert (request.custom_model.id, request.api_key) == ("custom/my-model", "sk-new")
    assert not Change("m1", document).request().HasField("api_key")
    assert Change("m1", document, "").request().HasField("api_key")


def test_a_change_does_not_show_its_key() -> None:
    assert "sk-new" not in repr(Change("m1", Members({}), "sk-new"))


async def test_a_shared_model_is_made_in_the_callers_project(capsys: pytest.CaptureFixture[str]) -> None:
    auth = Answering(AUTH, GetCurrentUser=Prepared(GetCurrentUserRequest, GetCurrentUserResponse(project_id=PROJECT)))
    made = CreateCustomModelResponse(custom_model=kept(project_id=PROJECT))
    catalog = Answering(CATALOG, CreateCustomModel=Prepared(CreateCustomModelRequest, made))
    async with auth.serving() as sharing, catalog.serving() as caller:
        await custom_models.create(caller, new_model(guide(), "sk-1"), sharing=sharing, as_json=True)
    assert catalog.asked[0].custom_model.project_id == PROJECT
    assert catalog.asked[0].api_key == "sk-1"
    assert json.loads(capsys.readouterr().out)["project_id"] == PROJECT


@pytest.mark.parametrize(("share", "project"), ((True, PROJECT), (False, "")))
async def test_sharing_is_a_change_of_its_own(share: bool, project: str) -> None:
    auth = Answering(AUTH, GetCurrentUser=Prepared(GetCurrentUserRequest, GetCurrentUserResponse(project_id=PROJECT)))
    changed = UpdateCustomModelResponse(custom_model=kept())
    catalog = Answering(CATALOG, UpdateCustomModel=Prepared(UpdateCustomModelRequest, changed))
    async with auth.serving() as sharing, catalog.serving() as caller:
        await custom_models.update(caller, Change("m1", Members({}), share=share), auth=sharing, as_json=True)
    assert list(catalog.asked[0].update_mask.paths) == ["project_id"]
    assert catalog.asked[0].custom_model.project_id == project
    assert len(auth.asked) == int(share)


async def test_a_change_of_nothing_never_reaches_the_catalog() -> None:
    catalog = Answering(CATALOG)
    async with catalog.serving() as caller:
        with pytest.raises(CommandFailed, match="nothing to change"):
            await custom_models.update(caller, Change("m1", Members({})), auth=caller, as_json=True)


async def test_what_show_prints_can_be_sent_back_but_not_with_another_id() -> None:
    catalog = Answering(
        CATALOG,
        GetCustomModel=Prepared(GetCustomModelRequest, GetCustomModelResponse(custom_model=kept())),
        UpdateCustomModel=Prepared(UpdateCustomModelRequest, UpdateCustomModelResponse(custom_model=kept())),
    )
    async with catalog.serving() as caller:
        await custom_models.update(caller, Change("m1", guide(id="m1")), auth=caller, as_json=True)
        with pytest.raises(InvalidField, match="id: 'another value' is not allowed"):
            await custom_models.update(caller, Change("m1", guide(id="m2")), auth=caller, as_json=True)


async def test_a_shared_model_behind_one_of_the_callers_own_is_not_reached_by_its_name() -> None:
    shared, own = (GetCustomModelResponse(custom_model=kept(id=name)) for name in ("shared", "own"))
    catalog = Answering(CATALOG, GetCustomModel=Prepared(GetCustomModelRequest, shared, own))
    async with catalog.serving() as caller, caller:
        with pytest.raises(CommandFailed, match="custom/my-model is another custom model to you"):
            await reached(caller, "shared")


async def test_a_deletion_is_of_the_model_that_was_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    catalog = Answering(
        CATALOG,
        GetCustomModel=Prepared(GetCustomModelRequest, GetCustomModelResponse(custom_model=kept())),
        DeleteCustomModel=Prepared(DeleteCustomModelRequest, DeleteCustomModelResponse()),
    )
    async with catalog.serving() as caller:
        await custom_models.delete(caller, "custom/my-model", yes=True, as_json=False)
    assert catalog.asked[-1].id == "m1"
    assert "custom/my-model is gone" in capsys.readouterr().out


def test_facts_say_what_is_not_known_and_whose_key_is_sent() -> None:
    facts = set(lines(model_facts(custom_model_body(kept(name="[red]Mine", provider_hosted=True)))))
    assert {"name [red]Mine", "cost unpriced", "context window -", "key the provider's", "shared no"} <= facts
    keyed = lines(model_facts(custom_model_body(kept(has_api_key=True, api_key_last_four="1234"))))
    assert "key its own, ending in 1234" in keyed
    assert "key none" in lines(model_facts(custom_model_body(kept())))
