"""The guide's section "Model Selection", but its table of default models (test_use_cases.py).

| the guide says                              | test                                                       |
|---------------------------------------------|------------------------------------------------------------|
| Via Frontend UI, steps 1 to 6               | test_login_browse_select_configure_save                    |
| Via API: POST /api/user/settings            | test_post_user_settings_word_for_word                      |
| "preferred_model"                           | test_the_preferred_model_is_what_auto_stands_for           |
| "model_parameters"                          | test_the_model_parameters_hold_where_requests_say_nothing  |
| Authorization: Bearer <token>               | test_settings_are_those_of_whoever_the_token_names         |
|                                             | test_without_a_token_there_are_no_settings                 |
| Content-Type: application/json              | test_what_is_no_setting_is_refused                         |

The steps at the frontend are taken through the API that it calls.
"""

import httpx2 as httpx

from tests.e2e.guide.asking import ask, completed, completion_tokens, finish_reason, once_it_is, routed
from tests.fixtures.deployments import Deployment
from tests.fixtures.people import Person

SETTINGS = """{
  "preferred_model": "openai/gpt-4",
  "model_parameters": {
    "temperature": 0.7,
    "max_tokens": 2000,
    "top_p": 1.0
  }
}"""


def anonymous(deployment: Deployment) -> httpx.AsyncClient:
    """The REST API, without credentials."""
    return httpx.AsyncClient(base_url=f"http://{deployment.ports.address('console')}", trust_env=False, timeout=30.0)


async def login(person: Person, api: httpx.AsyncClient) -> dict[str, str]:
    """What to send along to be known as the person."""
    answer = await api.post("/api/auth/login", json={"email": person.email, "password": person.password})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_login_browse_select_configure_save(reader: Person, own_chats: httpx.AsyncClient) -> None:
    async with anonymous(reader.deployment) as api:
        api.headers.update(await login(reader, api))
        browsed = (await api.get("/api/models", params={"available": "true", "search": "claude 3 haiku"})).json()
        (model,) = [model["id"] for model in browsed["models"] if model["display_name"] == "Claude 3 Haiku"]
        choice = {"preferred_model": model, "model_parameters": {"temperature": 0.2}}
        saved = await api.post("/api/user/settings", json=choice)
        assert saved.status_code == 200, saved.text
        shown = (await api.get("/api/user/settings")).json()
    assert {name: shown[name] for name in choice} == choice
    answer = await once_it_is(lambda: ask(own_chats, "auto"), lambda answer: routed(answer)[0] == model)
    assert answer.status_code == 200


async def test_post_user_settings_word_for_word(reader: Person) -> None:
    async with anonymous(reader.deployment) as api:
        headers = {"content-type": "application/json", **await login(reader, api)}
        answer = await api.post("/api/user/settings", content=SETTINGS, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "preferred_model": "openai/gpt-4",
            "model_parameters": {"temperature": 0.7, "max_tokens": 2000, "top_p": 1.0},
            "use_cases": {},
            "user_id": reader.id,
            "custom_models": [],
        }
        assert (await api.get("/api/user/settings", headers=headers)).json() == answer.json()


async def test_the_preferred_model_is_what_auto_stands_for(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    assert routed(await completed(own_chats, "auto"))[0] == "openai/gpt-4-turbo"
    await own_api.post("/api/user/settings", content=SETTINGS)
    await once_it_is(lambda: completed(own_chats, "auto"), lambda answer: routed(answer)[0] == "openai/gpt-4")


async def test_the_model_parameters_hold_where_requests_say_nothing(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    await own_api.post("/api/user/settings", json={"model_parameters": {"max_tokens": 5}})
    answer = await once_it_is(
        lambda: completed(own_chats, "openai/gpt-4"), lambda answer: finish_reason(answer) == "length"
    )
    assert completion_tokens(answer) == 5
    assert completion_tokens(await completed(own_chats, "openai/gpt-4", max_tokens=9)) == 9, "what a request says wins"


async def test_settings_are_those_of_whoever_the_token_names(
    reader: Person, own_api: httpx.AsyncClient, newcomer: Person, api: httpx.AsyncClient
) -> None:
    answer = await own_api.post("/api/user/settings", json={"user_id": newcomer.id, "preferred_model": "openai/gpt-4"})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "user_id"
    assert (await own_api.get("/api/user/settings")).json()["user_id"] == reader.id
    assert (await api.get("/api/user/settings")).json()["preferred_model"] is None


async def test_without_a_token_there_are_no_settings(deployment: Deployment) -> None:
    async with anonymous(deployment) as api:
        answer = await api.post("/api/user/settings", content=SETTINGS)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "CREDENTIALS_MISSING"


async def test_what_is_no_setting_is_refused(api: httpx.AsyncClient) -> None:
    for body, field in (
        ({"preferred_modell": "openai/gpt-4"}, "preferred_modell"),
        ({"model_parameters": {"top_k": 3}}, "model_parameters.top_k"),
    ):
        answer = await api.post("/api/user/settings", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"]["field"] == field
    broken = await api.post("/api/user/settings", content=SETTINGS[:-1])
    assert broken.status_code == 400
    assert broken.json()["error"]["code"] == "MALFORMED_BODY"
