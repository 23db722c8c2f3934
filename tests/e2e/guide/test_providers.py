"""The guide's section "Available Providers".

| the guide says                                             | test                                              |
|------------------------------------------------------------|---------------------------------------------------|
| OpenRouter: OpenAI, Anthropic, Google, Meta, Mistral       | test_openrouter_supports                          |
| OpenRouter: "100+ AI models through a single API"          | test_openrouter_has_more_than_100_models          |
| OpenRouter: "And many more"                                | test_openrouter_takes_models_nobody_listed        |
| Google Gemini: Gemini Pro, Gemini Pro Vision               | test_gemini_is_direct_access_to                   |
| Google Gemini: "Gemini Ultra (when available)"             | test_gemini_ultra_is_known_and_not_available_yet  |
| OpenAI: GPT-4 Turbo, GPT-4, GPT-3.5 Turbo                  | test_openai_is_direct_access_to                   |
| Anthropic: Claude 3 Opus, Sonnet, Haiku                    | test_anthropic_is_direct_access_to                |
| "Add to .env: OPENROUTER_API_KEY=..." and its like         | test_its_key_goes_to_the_variable                 |
|                                                            | tests/e2e/test_up.py, with a file of that name    |
| the keys' looks ("sk-or-v1-your-key-here")                 | test_a_key_as_the_guide_shows_it_can_be_set       |
| "unified interface"                                        | test_all_providers_answer_in_one_format           |
"""

from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.e2e.guide.asking import ask, completed, routed
from tests.fixtures.deployments import Deployment
from tests.fixtures.people import Person, new_administrator

ON_OPENROUTER = (
    ("OpenAI: GPT-4", "openai/gpt-4"),
    ("OpenAI: GPT-4 Turbo", "openai/gpt-4-turbo"),
    ("OpenAI: GPT-3.5", "openai/gpt-3.5-turbo"),
    ("Anthropic: Claude 3 Opus", "anthropic/claude-3-opus"),
    ("Anthropic: Claude 3 Sonnet", "anthropic/claude-3-sonnet"),
    ("Anthropic: Claude 3 Haiku", "anthropic/claude-3-haiku"),
    ("Google: Gemini Pro", "google/gemini-pro"),
    ("Google: Gemini Pro Vision", "google/gemini-pro-vision"),
    ("Meta: Llama 2", "meta-llama/llama-2-70b-chat"),
    ("Meta: Llama 3", "meta-llama/llama-3-70b-instruct"),
    ("Mistral: Mistral 7B", "mistralai/mistral-7b-instruct"),
    ("Mistral: Mixtral 8x7B", "mistralai/mixtral-8x7b-instruct"),
)
KEYS = (
    ("openrouter", "OPENROUTER_API_KEY", "sk-or-v1-your-key-here"),
    ("gemini", "GEMINI_API_KEY", "AIzaSy-your-key-here"),
    ("openai", "OPENAI_API_KEY", "sk-your-key-here"),
    ("anthropic", "ANTHROPIC_API_KEY", "sk-ant-your-key-here"),
)
SERVED = {
    "openrouter": "openai/gpt-4-turbo",
    "gemini": "google/gemini-pro",
    "openai": "openai/gpt-4",
    "anthropic": "anthropic/claude-3-opus",
}


@pytest.fixture(scope="module")
async def key_holder(deployment: Deployment) -> Person:
    """The administrator of an organisation that has keys of its own, one a provider."""
    return await new_administrator(deployment)


def rows(*named: tuple[str, ...]) -> pytest.MarkDecorator:
    """The guide's words as the tests' ids."""
    return pytest.mark.parametrize(("words", "model"), named, ids=[words for words, _ in named])


async def answers_through(chats: httpx.AsyncClient, api: httpx.AsyncClient, words: str, model: str, by: str) -> None:
    """Whether the model answers through the provider, has a price, and is called what the guide calls it."""
    answer = await completed(chats, model, x_pantheon_providers=by)
    assert routed(answer) == (model, by)
    assert float(answer.headers["x-pantheon-cost"]) > 0
    shown = (await api.get(f"/api/models/{model}")).json()
    assert by in [endpoint["provider"] for endpoint in shown["endpoints"]]
    called = words.rpartition(": ")[2]
    assert all(word in shown["display_name"] for word in called.split()), shown["display_name"]


@rows(*ON_OPENROUTER)
async def test_openrouter_supports(chats: httpx.AsyncClient, api: httpx.AsyncClient, words: str, model: str) -> None:
    await answers_through(chats, api, words, model, "openrouter")


async def test_openrouter_has_more_than_100_models(api: httpx.AsyncClient) -> None:
    page = (await api.get("/api/models", params={"provider": "openrouter", "page_size": 1})).json()
    assert page["total_size"] > 100


async def test_openrouter_takes_models_nobody_listed(chats: httpx.AsyncClient) -> None:
    model = f"acme/{uuid4().hex}"
    assert routed(await completed(chats, model)) == (model, "openrouter")


@rows(("Gemini Pro", "google/gemini-pro"), ("Gemini Pro Vision", "google/gemini-pro-vision"))
async def test_gemini_is_direct_access_to(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, words: str, model: str
) -> None:
    await answers_through(chats, api, words, model, "gemini")


async def test_gemini_ultra_is_known_and_not_available_yet(chats: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    shown = (await api.get("/api/models/gemini-ultra")).json()
    assert (shown["display_name"], shown["endpoints"]) == ("Gemini Ultra", [])
    answer = await ask(chats, "gemini-ultra")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "NO_ENDPOINT"
    assert "google/gemini-ultra" in answer.json()["error"]["message"]


@rows(("GPT-4 Turbo", "openai/gpt-4-turbo"), ("GPT-4", "openai/gpt-4"), ("GPT-3.5 Turbo", "openai/gpt-3.5-turbo"))
async def test_openai_is_direct_access_to(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, words: str, model: str
) -> None:
    await answers_through(chats, api, words, model, "openai")


@rows(
    ("Claude 3 Opus", "anthropic/claude-3-opus"),
    ("Claude 3 Sonnet", "anthropic/claude-3-sonnet"),
    ("Claude 3 Haiku", "anthropic/claude-3-haiku"),
)
async def test_anthropic_is_direct_access_to(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, words: str, model: str
) -> None:
    await answers_through(chats, api, words, model, "anthropic")


@pytest.mark.parametrize(("provider", "variable", "key"), KEYS, ids=[variable for _, variable, _ in KEYS])
async def test_its_key_goes_to_the_variable(api: httpx.AsyncClient, provider: str, variable: str, key: str) -> None:
    listed = (await api.get("/api/providers", params={"page_size": 1000})).json()["providers"]
    (shown,) = [entry for entry in listed if entry["name"] == provider]
    assert shown["key_variable"] == variable
    assert shown["configured"]


@pytest.mark.parametrize(("provider", "variable", "key"), KEYS, ids=[key for _, _, key in KEYS])
async def test_a_key_as_the_guide_shows_it_can_be_set(
    key_holder: Person, provider: str, variable: str, key: str
) -> None:
    async with key_holder.edge() as api:
        answer = await api.post("/api/provider-keys", json={"provider": provider, "secret": key})
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "valid"
        # A key of 16 characters is too short to show any of it.
        assert answer.json()["last_four"] == ("here" if len(key) > 16 else "")
        assert key not in answer.text
        assert key not in (await api.get("/api/provider-keys")).text
    async with key_holder.router() as chats:
        answer = await completed(chats, SERVED[provider], x_pantheon_providers=provider)
    assert routed(answer) == (SERVED[provider], provider)


@pytest.mark.parametrize("model", ("openai/gpt-4", "anthropic/claude-3-opus", "google/gemini-pro", "llama-3"))
async def test_all_providers_answer_in_one_format(chats: httpx.AsyncClient, model: str) -> None:
    body = (await completed(chats, model)).json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["role"] == "assistant"
    assert body["choices"][0]["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
