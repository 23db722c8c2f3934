"""The REST API in front of everything that is real: auth, catalog, router, usage, and the sandbox as provider."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2 as httpx
import pytest

from services.runtime.ids import uuid7
from tests.fixtures.deployments import Deployment
from tests.fixtures.eventually import eventually
from tests.fixtures.guide import CUSTOM_MODEL
from tests.integration.edge.running import client_of

PROMPT = "What is the capital of France? Answer in one sentence."


@pytest.fixture
async def console(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """The administrator, logged in."""
    async with client_of(f"http://{deployment.ports.address('console')}") as client:
        known = {name: deployment.credentials[name] for name in ("email", "password")}
        login = (await client.post("/api/auth/login", json=known)).json()
        client.headers["authorization"] = f"Bearer {login['access_token']}"
        yield client


@pytest.fixture
async def guide(console: httpx.AsyncClient) -> AsyncIterator[dict[str, Any]]:
    """The guide's model under a name of the test's own."""
    made = await console.post("/api/custom-models", content=CUSTOM_MODEL.replace("my-model", f"m-{uuid7()}"))
    assert made.status_code == 201, made.text
    yield made.json()
    assert (await console.delete(f"/api/custom-models/{made.json()['id']}")).status_code == 204


async def test_the_guide_s_model_is_described_tried_preferred_used_and_paid_for(
    console: httpx.AsyncClient, deployment: Deployment, guide: dict[str, Any]
) -> None:
    path = f"/api/custom-models/{guide['model_id']}"

    async def tried() -> dict[str, Any] | None:
        answer = await console.post(f"{path}/test", json={"prompt": PROMPT})
        result: dict[str, Any] = answer.json()
        return result if answer.status_code == 200 else None

    # A router has heard of the model within a second.
    test = await eventually(tried, timeout=10)
    assert test is not None
    assert (test["model"], test["provider"]) == (guide["model_id"], "openrouter")
    assert test["text"]
    assert test["tokens"]["completion_tokens"] > 0
    tokens = test["tokens"]
    cost = (tokens["prompt_tokens"] * 0.01 + tokens["completion_tokens"] * 0.03) / 1_000
    assert test["cost"]["amount"] == pytest.approx(cost)
    assert test["latency_seconds"] >= test["time_to_first_token_seconds"] > 0
    assert (await console.post(f"{path}/default")).json() == {"preferred_model": guide["model_id"]}

    async def used() -> bool:
        async with deployment.http() as router:
            body = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}
            answer = await router.post("/chat/completions", json=body)
        return answer.status_code == 200 and answer.headers["x-pantheon-model"] == guide["model_id"]

    async def billed() -> bool:
        usage = (await console.get("/api/user/usage")).json()
        return guide["model_id"] in usage["by_model"] and usage["by_model"][guide["model_id"]]["cost"] > 0

    try:
        assert await eventually(used, timeout=10)
        assert await eventually(billed, timeout=10)
    finally:
        await console.patch("/api/user/settings", json={"preferred_model": None})


async def test_a_model_that_is_not_kept_yet_is_tried_as_it_would_be_made(console: httpx.AsyncClient) -> None:
    document = httpx.Response(200, text=CUSTOM_MODEL).json()
    tried = await console.post("/api/custom-models/test", json={"custom_model": document, "prompt": PROMPT})
    assert tried.status_code == 200, tried.text
    assert tried.json()["text"]
    moved = {**document, "api_endpoint": "https://127.0.0.1/v1/chat/completions"}
    refused = await console.post("/api/custom-models/test", json={"custom_model": moved})
    assert refused.status_code == 400
    assert refused.json()["error"]["details"]["field"] == "custom_model.api_endpoint"


async def test_everything_that_can_be_read_is_as_described(console: httpx.AsyncClient) -> None:
    for path in (
        "/api/models?page_size=1000",
        "/api/models/openai/gpt-4",
        "/api/models/syncs",
        "/api/providers",
        "/api/price-overrides",
        "/api/use-cases",
        "/api/provider-keys",
        "/api/custom-models",
        "/api/user/settings",
        "/api/user/usage",
    ):
        assert (await console.get(path)).status_code == 200, path
    sync = await console.post("/api/models/sync", json={"dry_run": True})
    assert sync.status_code == 200, sync.text
