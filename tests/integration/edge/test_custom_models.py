"""Custom models over REST, kept by a real catalog: the guide's document, word for word."""

from typing import Any

import httpx2 as httpx
import pytest

from pantheon.auth.v1.access_pb2 import ROLE_PROJECT_ADMIN
from tests.fixtures.guide import CUSTOM_MODEL
from tests.integration.catalog.people import ELSEWHERE, Person
from tests.integration.edge.grounds import Grounds, error_of

MODELS = "/api/custom-models"
SETTINGS = "/api/user/settings"
KEY = "sk-canary-31337-0123456789-last"

OWN: dict[str, Any] = {
    "name": "Mine", "model_id": "custom/own/one", "provider": "openai", "api_endpoint": ELSEWHERE
}  # fmt: skip
BEYOND = {
    "id",
    "provider_model_id",
    "project_id",
    "provider_hosted",
    "has_api_key",
    "api_key_last_four",
    "create_time",
    "update_time",
}


@pytest.fixture
async def ada(grounds: Grounds) -> httpx.AsyncClient:
    return await grounds.enter()


@pytest.fixture
async def kept(ada: httpx.AsyncClient) -> dict[str, Any]:
    """A model of Ada's, with a key."""
    answer = await ada.post(MODELS, json={**OWN, "parameters": {"temperature": 1.2, "top_p": 0.5}, "api_key": KEY})
    assert answer.status_code == 201, answer.text
    model: dict[str, Any] = answer.json()
    return model


async def test_the_guide_s_document_is_kept_and_given_back_as_it_is(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(MODELS, content=CUSTOM_MODEL)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"{MODELS}/{made['id']}"
    document = httpx.Response(200, text=CUSTOM_MODEL).json()
    assert {name: made[name] for name in document} == document
    assert set(made) == {*document, *BEYOND}
    assert (made["provider_model_id"], made["project_id"], made["provider_hosted"]) == ("my-model", None, True)
    assert (made["has_api_key"], made["api_key_last_four"]) == (False, "")
    for name in (made["id"], "custom/my-model"):
        assert (await ada.get(f"{MODELS}/{name}")).json() == made
    assert (await ada.get(answer.headers["location"])).json() == made
    assert (await ada.get(MODELS)).json() == {"custom_models": [made], "next_page_token": None}
    # Digit by digit, not only as doubles.
    for text in ('"input":0.01,', '"output":0.03}', '"frequency_penalty":0.0,', '"context_window":8192'):
        assert text in answer.text


async def test_a_model_id_is_taken_once_and_a_repeat_makes_no_second_one(ada: httpx.AsyncClient) -> None:
    once = {"idempotency-key": "r-1"}
    first = await ada.post(MODELS, json=OWN, headers=once)
    assert error_of(await ada.post(MODELS, json=OWN, headers=once))[:2] == (409, "REQUEST_REPEATED")
    assert error_of(await ada.post(MODELS, json=OWN)) == (409, "RESOURCE_EXISTS", "model_id")
    assert (await ada.get(MODELS)).json()["custom_models"] == [first.json()]


async def test_a_bad_idempotency_key_is_named_as_the_header_it_is(ada: httpx.AsyncClient) -> None:
    answer = await ada.post(MODELS, json=OWN, headers={"idempotency-key": "x" * 65})
    assert error_of(answer) == (400, "INVALID_FIELD", "idempotency-key")


async def test_a_patch_writes_what_it_names(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    path = f"{MODELS}/{kept['model_id']}"
    change = {"name": "Other", "parameters": {"temperature": 0, "top_p": None}, "context_window": 100}
    answer = await ada.patch(path, json=change)
    assert answer.status_code == 200
    changed = answer.json()
    expected = {**kept, "name": "Other", "parameters": {"temperature": 0}, "context_window": 100}
    assert changed == {**expected, "update_time": changed["update_time"]}
    cleared = (await ada.patch(path, json={"parameters": None, "context_window": None})).json()
    assert (cleared["parameters"], cleared["context_window"], cleared["name"]) == ({}, None, "Other")
    priced = (await ada.patch(path, json={"cost_per_1k_tokens": {"input": 0.5, "output": 1}})).json()
    assert (priced["cost_per_1k_tokens"], priced["name"]) == ({"input": 0.5, "output": 1}, "Other")


async def test_a_patch_of_nothing_changes_nothing(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    path = f"{MODELS}/{kept['id']}"
    bodies: list[dict[str, Any]] = [{}, {"parameters": {}}, {"id": kept["id"], "has_api_key": True}]
    for body in bodies:
        assert (await ada.patch(path, json=body)).json() == kept


async def test_a_key_is_set_changed_and_taken_away_by_itself_and_never_shown(
    ada: httpx.AsyncClient, kept: dict[str, Any]
) -> None:
    path = f"{MODELS}/{kept['id']}"
    assert (kept["has_api_key"], kept["api_key_last_four"]) == (True, "last")
    changed = (await ada.patch(path, json={"api_key": KEY.replace("last", "next")})).json()
    assert changed == {**kept, "api_key_last_four": "next", "update_time": changed["update_time"]}
    gone = await ada.patch(path, json={"api_key": None})
    assert gone.json() == {
        **kept, "has_api_key": False, "api_key_last_four": "", "update_time": gone.json()["update_time"]
    }  # fmt: skip
    for answer in (gone, await ada.get(path), await ada.get(MODELS), await ada.get(SETTINGS)):
        assert "31337" not in answer.text


async def test_a_put_of_what_was_read_changes_nothing(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    path = f"{MODELS}/{kept['id']}"
    answer = await ada.put(path, content=(await ada.get(path)).content)
    assert answer.json() == {**kept, "update_time": answer.json()["update_time"]}
    assert answer.json()["has_api_key"]


async def test_a_put_clears_what_it_does_not_name_but_the_key(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    answer = await ada.put(f"{MODELS}/{kept['id']}", json={**OWN, "name": "New"})
    assert (answer.json()["name"], answer.json()["parameters"]) == ("New", {})
    assert answer.json()["has_api_key"]


@pytest.mark.parametrize("method", ("PUT", "PATCH"))
@pytest.mark.parametrize(
    ("name", "value"),
    (("id", "another"), ("has_api_key", False), ("api_key_last_four", "0000"), ("provider_hosted", True)),
)
async def test_what_can_t_be_set_may_only_be_said_as_it_is(
    ada: httpx.AsyncClient, kept: dict[str, Any], method: str, name: str, value: object
) -> None:
    path = f"{MODELS}/{kept['id']}"
    answer = await ada.request(method, path, json={**OWN, "name": "Changed", name: value})
    assert error_of(answer) == (400, "INVALID_FIELD", name)
    assert (await ada.get(path)).json() == kept


async def test_a_key_does_not_follow_to_another_origin(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    path = f"{MODELS}/{kept['id']}"
    moved = {"api_endpoint": ELSEWHERE.replace("9.9.9.9", "8.8.8.8")}
    assert error_of(await ada.patch(path, json=moved)) == (400, "INVALID_FIELD", "api_key")
    assert (await ada.patch(path, json={**moved, "api_key": None})).json()["has_api_key"] is False


async def test_a_model_is_removed_once(ada: httpx.AsyncClient, kept: dict[str, Any]) -> None:
    path = f"{MODELS}/{kept['model_id']}"
    answer = await ada.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert error_of(await ada.request(method, path))[:2] == (404, "RESOURCE_NOT_FOUND")
    for method in ("PUT", "PATCH"):
        assert error_of(await ada.request(method, path, json=OWN))[:2] == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "field"),
    (
        ({"project": True}, "project"),
        ({"id": "mine"}, "id"),
        ({"user_id": "somebody"}, "user_id"),
        ({"name": None}, "name"),
        ({"name": 4}, "name"),
        ({"model_id": "my-model"}, "model_id"),
        ({"provider": "nobody"}, "provider"),
        ({"api_endpoint": "https://169.254.169.254/v1/chat/completions"}, "api_endpoint"),
        ({"api_endpoint": "http://9.9.9.9/v1/chat/completions"}, "api_endpoint"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature"),
        ({"parameters": {"temprature": 1}}, "parameters.temprature"),
        ({"parameters": {"max_tokens": 1.5}}, "parameters.max_tokens"),
        ({"context_window": 0}, "context_window"),
        ({"context_window": "8k"}, "context_window"),
        ({"cost_per_1k_tokens": {"input": 0.01}}, "cost_per_1k_tokens.output"),
        ({"cost_per_1k_tokens": {"input": "0.01", "output": 1}}, "cost_per_1k_tokens.input"),
        ({"cost_per_1k_tokens": {"input": -1, "output": 1}}, "cost_per_1k_tokens.input"),
        ({"cost_per_1k_tokens": {"prompt": 1}}, "cost_per_1k_tokens.prompt"),
        ({"cost_per_1k_tokens": 1}, "cost_per_1k_tokens"),
        ({"project_id": "somebody's"}, "project_id"),
        ({"api_key": [KEY]}, "api_key"),
        ({"api_key": f"{KEY} and more"}, "api_key"),
        ({"apikey": KEY}, "apikey"),
        ({"parameters": [KEY]}, "parameters"),
    ),
)
async def test_a_bad_member_is_refused_by_its_path_and_no_secret_is_repeated(
    ada: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    answer = await ada.post(MODELS, json={**OWN, **change})
    assert error_of(answer) == (400, "INVALID_FIELD", field), answer.text
    assert "31337" not in answer.text
    assert (await ada.get(MODELS)).json()["custom_models"] == []


async def test_a_model_shared_in_a_project_is_seen_there_and_changed_by_its_administrators(grounds: Grounds) -> None:
    owner = Person()
    mine, colleague = await grounds.enter(owner), await grounds.enter(owner.colleague())
    boss, stranger = await grounds.enter(owner.colleague(ROLE_PROJECT_ADMIN)), await grounds.enter()
    shared = (await mine.post(MODELS, json={**OWN, "project_id": owner.project})).json()
    path = f"{MODELS}/{shared['id']}"
    assert (await colleague.get(path)).json() == shared
    assert (await colleague.get(SETTINGS)).json()["custom_models"] == [shared]
    assert error_of(await colleague.patch(path, json={"name": "Ours"}))[:2] == (403, "ACCESS_DENIED")
    assert (await boss.patch(path, json={"name": "Ours"})).json()["name"] == "Ours"
    assert error_of(await stranger.get(path))[:2] == (404, "RESOURCE_NOT_FOUND")
    assert error_of(await stranger.post(f"{path}/default"))[:2] == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("by", ("id", "model_id"))
async def test_a_model_becomes_the_default_by_either_name(
    ada: httpx.AsyncClient, kept: dict[str, Any], by: str
) -> None:
    await ada.put(SETTINGS, json={"preferred_model": "openai/gpt-4", "model_parameters": {"temperature": 0.7}})
    answer = await ada.post(f"{MODELS}/{kept[by]}/default")
    assert (answer.status_code, answer.json()) == (200, {"preferred_model": kept["model_id"]})
    settings = (await ada.get(SETTINGS)).json()
    assert (settings["preferred_model"], settings["model_parameters"]) == (kept["model_id"], {"temperature": 0.7})


@pytest.mark.parametrize("which", ("custom/none", "none", "openai/gpt-4"))
async def test_only_a_custom_model_that_is_there_becomes_the_default(ada: httpx.AsyncClient, which: str) -> None:
    before = (await ada.get(SETTINGS)).json()
    assert error_of(await ada.post(f"{MODELS}/{which}/default"))[:2] == (404, "RESOURCE_NOT_FOUND")
    assert (await ada.get(SETTINGS)).json() == before


async def test_a_shared_model_behind_one_s_own_of_the_same_name_is_not_mistaken_for_it(grounds: Grounds) -> None:
    owner = Person()
    mine, colleague = await grounds.enter(owner), await grounds.enter(owner.colleague())
    shared = (await mine.post(MODELS, json={**OWN, "project_id": owner.project})).json()
    assert (await colleague.post(f"{MODELS}/{shared['id']}/default")).status_code == 200
    await colleague.post(MODELS, json=OWN)
    for what, body in (("default", None), ("test", {})):
        answer = await colleague.post(f"{MODELS}/{shared['id']}/{what}", json=body)
        assert error_of(answer)[:2] == (409, "CONFLICT")


async def test_lists_come_in_pages_and_settings_have_them_all(ada: httpx.AsyncClient) -> None:
    for number in range(3):
        assert (await ada.post(MODELS, json={**OWN, "model_id": f"custom/m-{number}"})).status_code == 201
    first = (await ada.get(f"{MODELS}?page_size=2")).json()
    second = (await ada.get(MODELS, params={"page_size": 2, "page_token": first["next_page_token"]})).json()
    found = first["custom_models"] + second["custom_models"]
    assert [model["model_id"] for model in found] == ["custom/m-0", "custom/m-1", "custom/m-2"]
    assert second["next_page_token"] is None
    assert (await ada.get(SETTINGS)).json()["custom_models"] == found
    assert error_of(await ada.get(f"{MODELS}?owner=me")) == (400, "INVALID_FIELD", "owner")
