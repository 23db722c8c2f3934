from typing import Any

import httpx2 as httpx
import pytest

from services.runtime.errors import InvalidField
from tests.integration.edge.running import Behind
from tests.integration.edge.services import SETTINGS_KEY

SETTINGS = "/api/user/settings"
GUIDE = {"preferred_model": "openai/gpt-4", "model_parameters": {"temperature": 0.7, "max_tokens": 2000, "top_p": 1.0}}
EMPTY: dict[str, Any] = {
    "preferred_model": None,
    "model_parameters": {},
    "use_cases": {},
    "user_id": "ada",
    "custom_models": [],
}
FULL = EMPTY | GUIDE


@pytest.fixture
async def kept(ada: httpx.AsyncClient) -> None:
    """Settings to change."""
    assert (await ada.put(SETTINGS, json=GUIDE)).json() == FULL


async def test_settings_never_set_are_empty(ada: httpx.AsyncClient) -> None:
    answer = await ada.get(SETTINGS)
    assert answer.status_code == 200
    assert answer.json() == EMPTY


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("method", ("POST", "PATCH"))
@pytest.mark.parametrize(
    ("change", "outcome"),
    (
        ({}, FULL),
        ({"model_parameters": {}}, FULL),
        ({"preferred_model": "gpt-4o"}, FULL | {"preferred_model": "gpt-4o"}),
        ({"preferred_model": None}, FULL | {"preferred_model": None}),
        ({"model_parameters": None}, FULL | {"model_parameters": {}}),
        (
            {"model_parameters": {"temperature": 0, "top_p": None, "presence_penalty": -1.5}},
            FULL | {"model_parameters": {"temperature": 0, "max_tokens": 2000, "presence_penalty": -1.5}},
        ),
    ),
)
async def test_what_a_change_does_not_name_stays(
    ada: httpx.AsyncClient, method: str, change: dict[str, Any], outcome: dict[str, Any]
) -> None:
    answer = await ada.request(method, SETTINGS, json=change)
    assert answer.status_code == 200
    assert answer.json() == outcome
    assert (await ada.get(SETTINGS)).json() == outcome


@pytest.mark.usefixtures("kept")
async def test_a_put_clears_what_it_does_not_name(ada: httpx.AsyncClient) -> None:
    answer = await ada.put(SETTINGS, json={"model_parameters": {"max_tokens": 100}})
    assert answer.json() == EMPTY | {"model_parameters": {"max_tokens": 100}}
    assert (await ada.put(SETTINGS, json={})).json() == EMPTY


@pytest.mark.usefixtures("kept")
async def test_putting_back_what_was_read_changes_nothing(ada: httpx.AsyncClient) -> None:
    read = await ada.get(SETTINGS)
    assert (await ada.put(SETTINGS, content=read.content)).content == read.content


@pytest.mark.parametrize("method", ("POST", "PUT", "PATCH"))
@pytest.mark.parametrize(
    ("body", "field"),
    (
        ({"user_id": "somebody"}, "user_id"),
        ({"custom_models": [{"model_id": "custom/mine"}]}, "custom_models"),
        ({"use_cases": {"coding": "openai/gpt-4"}}, "use_cases.coding"),
        ({"organisation_id": "somebody's"}, "organisation_id"),
        ({"preferred_model": 4}, "preferred_model"),
        ({"model_parameters": [0.7]}, "model_parameters"),
        ({"model_parameters": {"temprature": 0.7}}, "model_parameters.temprature"),
        ({"model_parameters": {"temperature": "0.7"}}, "model_parameters.temperature"),
        ({"model_parameters": {"temperature": True}}, "model_parameters.temperature"),
        ({"model_parameters": {"max_tokens": 2000.5}}, "model_parameters.max_tokens"),
        ({"model_parameters": {"max_tokens": 2**63}}, "model_parameters.max_tokens"),
    ),
)
async def test_a_bad_member_is_refused_by_its_path(
    ada: httpx.AsyncClient, behind: Behind, method: str, body: dict[str, object], field: str
) -> None:
    answer = await ada.request(method, SETTINGS, json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"]) == ("INVALID_FIELD", field)
    assert error["message"].startswith(f"{field}: ")
    assert not behind.catalog.received.messages


async def test_what_the_catalog_refuses_is_told_as_it_says(ada: httpx.AsyncClient, behind: Behind) -> None:
    behind.catalog.error = InvalidField("model_parameters.temperature", 3, "0 to 2")
    answer = await ada.patch(SETTINGS, json={"model_parameters": {"temperature": 3}})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {
        "field": "model_parameters.temperature",
        "value": "3",
        "allowed": "0 to 2",
    }


async def test_a_key_for_settings_only_sees_no_models_and_can_send_back_what_it_read(anyone: httpx.AsyncClient) -> None:
    anyone.headers["authorization"] = f"Bearer {SETTINGS_KEY}"
    read = await anyone.get(SETTINGS)
    assert read.json() == EMPTY | {"custom_models": None}
    assert (await anyone.put(SETTINGS, content=read.content)).content == read.content


async def test_who_has_no_credentials_is_told_so_before_the_body_is_judged(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.post(SETTINGS, content=b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "CREDENTIALS_MISSING")
