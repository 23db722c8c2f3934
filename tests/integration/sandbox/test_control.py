import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from services.sandbox.server import SandboxServer
from services.sandbox.settings import SandboxSettings

REQUEST: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me of bees."}]}


@pytest.fixture
async def control(own_sandbox: SandboxServer, http: httpx.AsyncClient) -> httpx.AsyncClient:
    http.base_url = own_sandbox.url
    return http


async def ask(client: httpx.AsyncClient, attempt_id: str = "a-1", **fields: Any) -> httpx.Response:
    headers = {"x-pantheon-attempt-id": attempt_id}
    return await client.post("/openai/v1/chat/completions", json={**REQUEST, **fields}, headers=headers)


async def test_it_tells_what_it_is_and_where(own_sandbox: SandboxServer, control: httpx.AsyncClient) -> None:
    about = (await control.get("/__sandbox__/")).json()

    assert about["base_urls"] == {
        "openai": own_sandbox.openai_url,
        "openrouter": own_sandbox.openrouter_url,
        "anthropic": own_sandbox.anthropic_url,
        "gemini": own_sandbox.gemini_url,
    }
    assert {"status", "reset-after", "no-done"} <= set(about["directives"])


async def test_every_completion_is_in_the_log(control: httpx.AsyncClient) -> None:
    answered = await ask(control, "a-1")
    await ask(control, "a-2", temperature=9)
    await control.get("/openai/v1/models")

    log = (await control.get("/__sandbox__/requests")).json()

    first, second = log["requests"]
    assert log["seen"] == 2
    assert (first["attempt_id"], first["provider"], first["model"]) == ("a-1", "openai", "gpt-4o")
    assert (first["status"], first["outcome"], first["response_id"]) == (200, "answered", answered.json()["id"])
    assert first["usage"]["completion_tokens"] == answered.json()["usage"]["completion_tokens"]
    assert (second["attempt_id"], second["status"], second["usage"]) == ("a-2", 400, None)


async def test_the_cost_reported_is_in_the_log(control: httpx.AsyncClient) -> None:
    answer = await control.post("/openrouter/api/v1/chat/completions", json=REQUEST)

    (record,) = (await control.get("/__sandbox__/requests")).json()["requests"]
    assert float(record["cost"]) == answer.json()["usage"]["cost"]


async def test_a_request_is_seen_while_it_is_being_answered(control: httpx.AsyncClient) -> None:
    asking = asyncio.create_task(ask(control, model="gpt-4o:sandbox-hang"))

    log = (await control.get("/__sandbox__/requests", params={"at_least": 1, "timeout": 5})).json()

    assert [record["outcome"] for record in log["requests"]] == ["open"]
    asking.cancel()


async def test_the_log_can_be_cleared(control: httpx.AsyncClient) -> None:
    await ask(control)

    assert (await control.delete("/__sandbox__/requests")).status_code == 204
    assert (await control.get("/__sandbox__/requests")).json() == {"seen": 0, "requests": []}


async def test_waiting_for_requests_that_do_not_come_ends(control: httpx.AsyncClient) -> None:
    log = await control.get("/__sandbox__/requests", params={"at_least": 1, "timeout": 0.05})

    assert log.json()["seen"] == 0
    assert (await control.get("/__sandbox__/requests", params={"at_least": "many"})).status_code == 400


async def test_a_rule_holds_for_the_requests_it_was_made_for(control: httpx.AsyncClient) -> None:
    rule = {"model": "gpt-4*", "times": 2, "directives": {"status": 503, "retry-after": 1}}

    rules = (await control.post("/__sandbox__/faults", json=rule)).json()
    statuses = [(await ask(control, model=model)).status_code for model in ("o3", "gpt-4o", "gpt-4.1", "gpt-4o")]

    assert [(each["model"], each["times"]) for each in rules] == [("gpt-4*", 2)]
    assert statuses == [200, 503, 503, 200]
    assert (await control.get("/__sandbox__/faults")).json() == []


async def test_rules_can_be_taken_back(control: httpx.AsyncClient) -> None:
    await control.post("/__sandbox__/faults", json={"directives": {"status": 500}})

    await control.delete("/__sandbox__/faults")

    assert (await ask(control)).status_code == 200


@pytest.mark.parametrize(
    "rule", ({}, {"directives": {"explode": True}}, {"directives": {"status": 200}}, {"directives": {}, "times": 0})
)
async def test_what_is_no_rule_is_refused(control: httpx.AsyncClient, rule: dict[str, Any]) -> None:
    answer = await control.post("/__sandbox__/faults", json=rule)

    assert answer.status_code == 400
    assert answer.text.startswith("not a rule: ")


async def test_headers_and_body_are_kept_for_tests_without_the_key(
    own_sandbox: SandboxServer, control: httpx.AsyncClient
) -> None:
    await ask(control, odd={"kept": ["as", "sent"]})

    received = own_sandbox.recorder.received(1)
    assert received is not None
    assert json.loads(received.body) == {**REQUEST, "odd": {"kept": ["as", "sent"]}}
    assert received.headers["content-type"] == "application/json"
    assert "authorization" not in received.headers


async def test_the_log_is_appended_to_a_file(tmp_path: Path, http: httpx.AsyncClient) -> None:
    path = tmp_path / "requests.jsonl"
    settings = SandboxSettings(sandbox_listen="127.0.0.1:0", sandbox_log=path)

    for _ in range(2):
        async with SandboxServer(settings) as sandbox:
            await http.post(f"{sandbox.openai_url}/chat/completions", json=REQUEST)

    lines = path.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["arrived", "finished"] * 2
    assert "bees" not in path.read_text()


async def test_the_seed_decides_the_answers(http: httpx.AsyncClient) -> None:
    contents = []
    for seed in (1, 1, 2):
        async with SandboxServer(SandboxSettings(sandbox_listen="127.0.0.1:0", sandbox_seed=seed)) as sandbox:
            answer = await http.post(f"{sandbox.openai_url}/chat/completions", json=REQUEST)
            contents.append(answer.json()["choices"][0]["message"]["content"])

    assert contents[0] == contents[1] != contents[2]


async def test_stopping_cuts_what_hangs_and_lets_streams_end(http: httpx.AsyncClient) -> None:
    async with SandboxServer() as sandbox:
        url = f"{sandbox.openai_url}/chat/completions"
        hanging = asyncio.create_task(http.post(url, json=REQUEST, headers={"x-sandbox-hang": ""}))
        slow = {"x-sandbox-length": "50", "x-sandbox-rate": "200"}
        streaming = asyncio.create_task(http.post(url, json={**REQUEST, "stream": True}, headers=slow))
        await sandbox.recorder.wait_until(lambda recorder: recorder.seen == 2, 5)

    assert (await streaming).text.endswith("data: [DONE]\n\n")
    with pytest.raises(httpx.ReadError):
        await hanging
