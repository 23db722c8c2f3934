"""The guide's table "Default Models", and where it names use cases again ("Best Practices").

| the guide says                                                              | test                               |
|-----------------------------------------------------------------------------|------------------------------------|
| General Chat: GPT-4 Turbo, OpenRouter, Best balance of quality and speed    | test_default_model[General Chat]   |
| Code Generation: Claude 3 Opus, OpenRouter, Superior code understanding     | test_default_model[Code...]        |
| Fast Responses: GPT-3.5 Turbo, OpenRouter, Low latency, cost-effective      | test_default_model[Fast...]        |
| Vision Tasks: Gemini Pro Vision, Google, Excellent image understanding      | test_default_model[Vision...]      |
| Long Context: Claude 3 Opus, OpenRouter, 200K token context window          | test_default_model[Long Context]   |
| "200K token context window"                                                 | test_long_context_is_200k_tokens   |
| "Start with GPT-4 Turbo"                                                    | test_start_with_gpt_4_turbo        |
| "Use GPT-3.5 for Simple Tasks: lower cost"                                  | test_gpt_3_5_turbo_costs_less      |
| "Use Gemini for Vision"                                                     | test_a_picture_goes_to_vision      |
| Long Context                                                                | test_a_long_prompt_goes_to_...     |
"""

from dataclasses import dataclass

import httpx2 as httpx
import pytest

from tests.e2e.guide.asking import ask, completed, once_it_is, routed
from tests.fixtures.people import Person

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = f"data:image/png;base64,{PIXEL}"
SEEING = [{"type": "text", "text": "What is on it?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]


@dataclass(frozen=True)
class Default:
    """A row of the table, and what it means here."""

    use_case: str
    called: str
    reason: str
    name: str
    model: str
    provider: str


DEFAULTS = (
    Default(
        "General Chat",
        "GPT-4 Turbo",
        "Best balance of quality and speed",
        "general",
        "openai/gpt-4-turbo",
        "openrouter",
    ),
    Default(
        "Code Generation",
        "Claude 3 Opus",
        "Superior code understanding",
        "code",
        "anthropic/claude-3-opus",
        "openrouter",
    ),
    Default(
        "Fast Responses", "GPT-3.5 Turbo", "Low latency, cost-effective", "fast", "openai/gpt-3.5-turbo", "openrouter"
    ),
    Default(
        "Vision Tasks",
        "Gemini Pro Vision",
        "Excellent image understanding",
        "vision",
        "google/gemini-pro-vision",
        "gemini",
    ),
    Default(
        "Long Context",
        "Claude 3 Opus",
        "200K token context window",
        "long-context",
        "anthropic/claude-3-opus",
        "openrouter",
    ),
)


@pytest.mark.parametrize("row", DEFAULTS, ids=lambda row: f"{row.use_case}: {row.called}, {row.reason}")
async def test_default_model(chats: httpx.AsyncClient, api: httpx.AsyncClient, row: Default) -> None:
    listed = (await api.get("/api/use-cases")).json()["use_cases"]
    (shown,) = [choice for choice in listed if choice["use_case"] == row.name]
    assert shown == {
        "use_case": row.name,
        "model": row.model,
        "provider": row.provider,
        "level": "platform",
        "reason": row.reason,
    }
    assert (await api.get(f"/api/models/{row.model}")).json()["display_name"] == row.called
    content = SEEING if row.name == "vision" else "Hello there, how are you today?"
    assert routed(await completed(chats, f"auto/{row.name}", content)) == (row.model, row.provider)


async def test_long_context_is_200k_tokens(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/models/anthropic/claude-3-opus")).json()["context_window"] == 200_000


async def test_start_with_gpt_4_turbo(chats: httpx.AsyncClient) -> None:
    assert routed(await completed(chats, "auto")) == ("openai/gpt-4-turbo", "openrouter")


async def test_gpt_3_5_turbo_costs_less(api: httpx.AsyncClient) -> None:
    per_million = {}
    for model in ("gpt-3.5-turbo", "gpt-4-turbo"):
        endpoints = (await api.get(f"/api/models/openai/{model}")).json()["endpoints"]
        per_million[model] = endpoints[0]["price_per_million"]
    for unit in ("prompt_token", "completion_token"):
        assert per_million["gpt-3.5-turbo"][unit] < per_million["gpt-4-turbo"][unit] / 10


async def test_a_picture_goes_to_vision(chats: httpx.AsyncClient) -> None:
    assert routed(await completed(chats, "auto/fast", SEEING)) == ("google/gemini-pro-vision", "gemini")
    # GPT-4 Turbo takes pictures itself.
    assert routed(await completed(chats, "auto", SEEING)) == ("openai/gpt-4-turbo", "openrouter")


async def test_a_long_prompt_goes_to_long_context(chats: httpx.AsyncClient) -> None:
    prompt = "a word or two " * 40_000  # 140,000 tokens at four characters each: GPT-4 Turbo has room for 128,000
    assert routed(await completed(chats, "auto", prompt)) == ("anthropic/claude-3-opus", "openrouter")


async def test_an_organisation_chooses_for_its_members(administrator: Person) -> None:
    async with administrator.edge() as api, administrator.router() as chats:
        choice = {"model": "openai/gpt-4", "provider": "openai"}
        assert (await api.put("/api/use-cases/code", json=choice)).status_code == 200
        await once_it_is(lambda: ask(chats, "auto/code"), lambda answer: routed(answer) == ("openai/gpt-4", "openai"))
        assert (await api.delete("/api/use-cases/code")).status_code == 204
        await once_it_is(lambda: ask(chats, "auto/code"), lambda answer: "claude-3-opus" in routed(answer)[0])


async def test_a_user_s_own_choice_comes_before_it(own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient) -> None:
    choices = {"use_cases": {"fast": "anthropic/claude-3-haiku"}}
    assert (await own_api.patch("/api/user/settings", json=choices)).status_code == 200
    await once_it_is(lambda: ask(own_chats, "auto/fast"), lambda answer: "claude-3-haiku" in routed(answer)[0])


async def test_what_is_no_use_case_is_refused_with_those_there_are(chats: httpx.AsyncClient) -> None:
    answer = await ask(chats, "auto/poetry")
    assert answer.status_code == 400
    for row in DEFAULTS:
        assert f"auto/{row.name}" in answer.json()["error"]["message"]
