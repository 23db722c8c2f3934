"""Lists of models, and what a key is: as the real ones tell them, and broken where that is ordered."""

from typing import Any

import httpx2 as httpx
import pytest

from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer

LISTS = {
    "openai": ("/openai/v1/models", {"authorization": "Bearer k"}, "data"),
    "openrouter": ("/openrouter/api/v1/models", {}, "data"),
    "anthropic": ("/anthropic/v1/models", {"x-api-key": "k", "anthropic-version": "2023-06-01"}, "data"),
    "gemini": ("/gemini/v1beta/models", {"x-goog-api-key": "k"}, "models"),
}

every_provider = pytest.mark.parametrize("provider", LISTS)


@pytest.fixture
def sandbox(own_sandbox: SandboxServer) -> SandboxServer:
    """One of the test's own: most of these set rules."""
    return own_sandbox


async def read(http: httpx.AsyncClient, sandbox: SandboxServer, provider: str, **headers: str) -> httpx.Response:
    path, keys, _ = LISTS[provider]
    return await http.get(f"{sandbox.url}{path}", headers={**keys, **headers})


def order(sandbox: SandboxServer, provider: str, **orders: Any) -> None:
    sandbox.rules.add(Rule(provider=provider, directives=Directives(**orders), reading=True, times=1))


@every_provider
async def test_a_list_can_be_ordered_to_be_empty_broken_or_refused(
    http: httpx.AsyncClient, sandbox: SandboxServer, provider: str
) -> None:
    member = LISTS[provider][2]
    whole = await read(http, sandbox, provider)
    assert whole.json()[member]
    order(sandbox, provider, empty=True)
    assert not (await read(http, sandbox, provider)).json().get(member)
    order(sandbox, provider, malformed=True)
    broken = await read(http, sandbox, provider)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        broken.json()
    order(sandbox, provider, status=503)
    assert (await read(http, sandbox, provider)).status_code == 503
    assert (await read(http, sandbox, provider)).json() == whole.json()


@every_provider
async def test_a_list_heeds_headers_and_is_not_recorded(
    http: httpx.AsyncClient, sandbox: SandboxServer, provider: str
) -> None:
    seen = sandbox.recorder.seen
    assert (await read(http, sandbox, provider, **{"x-sandbox-status": "500"})).status_code == 500
    assert sandbox.recorder.seen == seen


@pytest.mark.parametrize(
    ("provider", "model"), (("openai", "gpt-4o"), ("anthropic", "claude-opus-4-5"), ("gemini", "gemini-2.5-flash"))
)
async def test_one_model_is_read_as_a_list_is(
    http: httpx.AsyncClient, sandbox: SandboxServer, provider: str, model: str
) -> None:
    path, keys, _ = LISTS[provider]
    seen, url = sandbox.recorder.seen, f"{sandbox.url}{path}/{model}"
    order(sandbox, provider, status=503)
    assert [(await http.get(url, headers=keys)).status_code for _ in range(2)] == [503, 200]
    assert sandbox.recorder.seen == seen


async def test_a_rule_for_completions_does_not_bear_on_lists_nor_the_other_way_round(
    http: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=503)))
    assert (await read(http, sandbox, "openai")).status_code == 200
    sandbox.rules.clear()
    sandbox.rules.add(Rule(directives=Directives(status=503), reading=True))
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "bees?"}]}
    url, keys = f"{sandbox.openai_url}/chat/completions", {"authorization": "Bearer k"}
    assert (await http.post(url, json=body, headers=keys)).status_code == 200
    sandbox.rules.clear()


async def test_openrouter_names_a_price_it_does_not_know_minus_one(
    http: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    entries = {entry["id"]: entry for entry in (await read(http, sandbox, "openrouter")).json()["data"]}
    assert entries["openrouter/auto"]["pricing"] == {"prompt": "-1", "completion": "-1"}
    assert "temperature" in entries["openai/gpt-4o"]["supported_parameters"]
    assert "temperature" not in entries["openai/gpt-5"]["supported_parameters"]


async def test_gemini_lists_page_by_page(http: httpx.AsyncClient, sandbox: SandboxServer) -> None:
    url, keys = f"{sandbox.gemini_url}/v1beta/models", {"x-goog-api-key": "k"}
    names, token = list[str](), ""
    while page := (await http.get(url, params={"pageSize": "2", "pageToken": token}, headers=keys)).json():
        names += [model["name"] for model in page["models"]]
        if not (token := page.get("nextPageToken", "")):
            break
    assert len(names) == len(set(names)) == len((await read(http, sandbox, "gemini")).json()["models"])


@pytest.mark.parametrize(("key", "status"), (("sk-or-v1-good", 200), ("sk-or-v1-invalid", 401), ("", 401)))
async def test_openrouter_says_what_a_key_is(
    http: httpx.AsyncClient, sandbox: SandboxServer, key: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {key}" if key else ""}
    answer = await http.get(f"{sandbox.openrouter_url}/key", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["data"]["label"] == "sk-or-v1-...ood"
    else:
        assert answer.json()["error"]["code"] == 401
