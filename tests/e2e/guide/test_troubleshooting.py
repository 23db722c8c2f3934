"""The guide's section "Troubleshooting".

| the guide says                                                  | test                                             |
|-----------------------------------------------------------------|--------------------------------------------------|
| Model not available: "Verify model ID is correct"               | test_a_wrong_model_id_is_named                   |
| Model not available: "Check API key is valid"                   | test_an_invalid_key_is_found_out_when_it_is_set  |
|                                                                 | test_a_key_can_be_checked_again                  |
| Model not available: "Try alternative model"                    | test_another_provider_of_the_model_is_tried      |
| High latency: "Use faster model", "Reduce max_tokens"           | test_use_cases.py, test_parameters.py            |
| High latency: "Try different provider"                          | test_a_different_provider_can_be_asked_for       |
| Rate limit exceeded: "Check provider rate limits"               | test_a_provider_s_rate_limit_is_told             |
| Rate limit exceeded: "Use multiple API keys"                    | test_several_keys_are_used                       |
| Unexpected responses: "Check model parameters"                  | test_the_model_s_parameters_are_shown            |
| Unexpected responses: "Adjust temperature"                      | test_parameters.py: test_temperatures_of_...     |
"""

from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.e2e.guide.asking import ask, completed, refusal, routed
from tests.fixtures.deployments import Deployment
from tests.fixtures.eventually import eventually
from tests.fixtures.people import Person


async def order(deployment: Deployment, model: str, times: int, **directives: Any) -> None:
    """Has the sandbox answer requests for a model, so many of them, in another way than well."""
    rule = {"model": model, "times": times, "directives": directives}
    async with httpx.AsyncClient(base_url=deployment.sandbox_url, trust_env=False, timeout=30.0) as sandbox:
        (await sandbox.post("/__sandbox__/faults", json=rule)).raise_for_status()


async def seen(deployment: Deployment, model: str) -> list[tuple[object, object]]:
    """Which provider was asked for a model, and what it answered."""
    return [
        (request["provider"], request["status"])
        for request in await deployment.requests_seen()
        if str(request["model"]).endswith(model)
    ]


@pytest.mark.parametrize("model", ("gpt-44", "custom/nobody-s", "auto/poetry", "gpt 4"))
async def test_a_wrong_model_id_is_named(chats: httpx.AsyncClient, model: str) -> None:
    error = await refusal(chats, model)
    assert error["code"] in ("MODEL_NOT_FOUND", "INVALID_FIELD")
    assert model in error["message"]
    assert model in error["metadata"].values()


async def test_an_invalid_key_is_found_out_when_it_is_set(administrator: Person) -> None:
    async with administrator.edge() as api:
        answer = await api.post("/api/provider-keys", json={"provider": "openai", "secret": "sk-invalid-your-key-here"})
        assert answer.status_code == 502
        assert answer.json()["error"]["code"] == "PROVIDER_AUTHENTICATION"
        assert "openai" in answer.json()["error"]["message"]
        assert "your-key" not in answer.text
        assert (await api.get("/api/provider-keys")).json()["provider_keys"] == []


async def test_a_key_can_be_checked_again(administrator: Person) -> None:
    async with administrator.edge() as api:
        secret = f"sk-{uuid4().hex}"
        made = (await api.post("/api/provider-keys", json={"provider": "openai", "secret": secret})).json()
        checked = (await api.post(f"/api/provider-keys/{made['id']}/check")).json()
    assert (checked["id"], checked["status"]) == (made["id"], "valid")
    assert checked["status_time"] > made["status_time"]


async def test_another_provider_of_the_model_is_tried(chats: httpx.AsyncClient, deployment: Deployment) -> None:
    model = uuid4().hex
    await order(deployment, model, 1, status=503)
    answer = await completed(chats, f"openai/{model}")
    assert routed(answer) == (f"openai/{model}", "openrouter")
    assert await seen(deployment, model) == [("openai", 503), ("openrouter", 200)]


async def test_a_different_provider_can_be_asked_for(chats: httpx.AsyncClient) -> None:
    for provider in ("openai", "openrouter"):
        answer = await completed(chats, "openai/gpt-4-turbo", x_pantheon_providers=provider)
        assert routed(answer) == ("openai/gpt-4-turbo", provider)


async def test_a_provider_s_rate_limit_is_told(chats: httpx.AsyncClient, deployment: Deployment) -> None:
    model = f"acme/{uuid4().hex}"
    await order(deployment, model, 1, **{"status": 429, "retry-after": 7})
    answer = await ask(chats, model)
    assert answer.status_code == 429
    assert answer.headers["x-pantheon-reason"] == "PROVIDER_RATE_LIMITED"
    assert answer.headers["retry-after"] == "7"


async def test_several_keys_are_used(administrator: Person) -> None:
    deployment = administrator.deployment
    async with administrator.edge() as api, administrator.router() as chats:

        async def statuses() -> list[str]:
            return sorted(key["status"] for key in (await api.get("/api/provider-keys")).json()["provider_keys"])

        async def one_is_limited_and_the_other_answers() -> bool:
            model = uuid4().hex
            await order(deployment, model, 1, status=429)
            answer = await ask(chats, f"openai/{model}", x_pantheon_providers="openai")
            return answer.status_code == 200 and await seen(deployment, model) == [("openai", 429), ("openai", 200)]

        for number in range(2):
            key = {"provider": "openai", "label": f"key {number}", "secret": f"sk-{uuid4().hex}"}
            assert (await api.post("/api/provider-keys", json=key)).status_code == 201
        assert await statuses() == ["valid", "valid"]
        # Again until the router has heard of both.
        await eventually(one_is_limited_and_the_other_answers, interval=0.1)

        async def it_is_known() -> bool:
            return await statuses() == ["rate_limited", "valid"]

        await eventually(it_is_known)


async def test_the_model_s_parameters_are_shown(api: httpx.AsyncClient) -> None:
    shown = (await api.get("/api/models/openai/gpt-4")).json()["parameters"]
    assert shown.keys() == {"temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty"}
    for spec in shown.values():
        assert spec.keys() == {"supported", "minimum", "maximum", "default", "integer"}
