"""The guide's section "Model Parameters", and where it names them again ("Parameter Tuning").

| the guide says                                       | test                                                      |
|------------------------------------------------------|-----------------------------------------------------------|
| Temperature, range 0.0 to 2.0                        | test_range_is[temperature ...], test_beyond_...           |
| Temperature, default 0.7                             | test_default_is[temperature 0.7]                          |
| Temperature: low, medium, high                       | test_temperatures_of_all_bands_are_taken                  |
| Use cases: code 0.2, general chat 0.7, creative 1.2  | test_suggested_temperature_of                             |
| Max tokens, range 1 to the model's maximum           | test_max_tokens_up_to_the_model_s_maximum                 |
| Max tokens, default 2000                             | test_default_is[max_tokens 2000]                          |
|                                                      | test_max_tokens_default_is_what_is_sent_where_asked_for   |
| "Higher values = longer responses"                   | test_higher_max_tokens_mean_longer_answers_at_higher_cost |
| "Must fit within context window"                     | test_max_tokens_must_fit_the_context_window               |
| Top P, range 0.0 to 1.0, default 1.0                 | test_range_is, test_beyond_..., test_default_is           |
| Frequency penalty, range -2.0 to 2.0, default 0.0    | the same                                                  |
| Presence penalty, range -2.0 to 2.0, default 0.0     | the same                                                  |
| "Start with Defaults"                                | test_defaults_are_sent_only_where_asked_for               |
| "Lower values: more focused", "encourage new topics" | the model's own doing: what it is sent is in              |
|                                                      | tests/unit/router/test_plan_parameters.py                 |
"""

import httpx2 as httpx
import pytest

from tests.e2e.guide.asking import ask, completed, completion_tokens, finish_reason, refusal

MODEL = "openai/gpt-4-turbo"
RANGES = (
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
)
DEFAULTS = (
    ("temperature", 0.7),
    ("max_tokens", 2000),
    ("top_p", 1.0),
    ("frequency_penalty", 0.0),
    ("presence_penalty", 0.0),
)
MAXIMA = (("openai/gpt-4-turbo", 4096), ("openai/gpt-4", 8192), ("anthropic/claude-3-opus", 4096))
BEYOND = tuple(
    (name, value, f"{least:g} to {most:g}")
    for name, least, most in RANGES
    for value in (round(least - 0.1, 1), round(most + 0.1, 1))
)
# Far more than any answer has otherwise: the sandbox's word for it.
LONG = "openai/gpt-4-turbo:sandbox-length-3000"


@pytest.mark.parametrize(("name", "least", "most"), RANGES, ids=[f"{name} {a} to {b}" for name, a, b in RANGES])
async def test_range_is(chats: httpx.AsyncClient, api: httpx.AsyncClient, name: str, least: float, most: float) -> None:
    shown = (await api.get(f"/api/models/{MODEL}")).json()["parameters"][name]
    assert (shown["supported"], shown["minimum"], shown["maximum"]) == (True, least, most)
    for value in (least, most):
        await completed(chats, MODEL, **{name: value})


@pytest.mark.parametrize(("name", "value", "allowed"), BEYOND, ids=[f"{name} {value}" for name, value, _ in BEYOND])
async def test_beyond_its_range_it_is_refused_with_field_value_and_range(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, name: str, value: float, allowed: str
) -> None:
    error = await refusal(chats, MODEL, **{name: value})
    assert (error["code"], error["param"]) == ("INVALID_FIELD", name)
    assert error["metadata"] == {"field": name, "value": str(value), "allowed": allowed}
    assert all(word in error["message"] for word in (name, str(value), allowed))
    setting = await api.post("/api/user/settings", json={"model_parameters": {name: value}})
    assert setting.status_code == 400
    details = {"field": f"model_parameters.{name}", "value": str(value), "allowed": allowed}
    assert setting.json()["error"]["details"] == details


@pytest.mark.parametrize(("name", "value"), DEFAULTS, ids=[f"{name} {value}" for name, value in DEFAULTS])
async def test_default_is(api: httpx.AsyncClient, name: str, value: float) -> None:
    assert (await api.get(f"/api/models/{MODEL}")).json()["parameters"][name]["default"] == value


@pytest.mark.parametrize(
    "value",
    (0.0, 0.3, 0.4, 0.9, 1.0, 2.0),
    ids=lambda value: f"{'low' if value < 0.4 else 'medium' if value < 1 else 'high'} {value}",
)
async def test_temperatures_of_all_bands_are_taken(chats: httpx.AsyncClient, value: float) -> None:
    await completed(chats, MODEL, temperature=value)


@pytest.mark.parametrize(
    ("purpose", "temperature"),
    (("code", 0.2), ("chat", 0.7), ("creative", 1.2)),
    ids=("Code generation 0.2", "General chat 0.7", "Creative writing 1.2"),
)
async def test_suggested_temperature_of(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, purpose: str, temperature: float
) -> None:
    assert (await api.get("/api/use-cases")).json()["suggested_temperatures"][purpose] == temperature
    await completed(chats, MODEL, temperature=temperature)


@pytest.mark.parametrize(("model", "most"), MAXIMA, ids=[f"{model} {most}" for model, most in MAXIMA])
async def test_max_tokens_up_to_the_model_s_maximum(
    chats: httpx.AsyncClient, api: httpx.AsyncClient, model: str, most: int
) -> None:
    shown = (await api.get(f"/api/models/{model}")).json()["parameters"]["max_tokens"]
    assert (shown["minimum"], shown["maximum"], shown["integer"]) == (1, most, True)
    assert completion_tokens(await completed(chats, model, max_tokens=1)) == 1
    if model != "openai/gpt-4":  # whose maximum is all of its context window
        await completed(chats, model, max_tokens=most)
    for value in (0, most + 1, 1.5):
        error = await refusal(chats, model, max_tokens=value)
        assert (error["code"], error["param"], error["metadata"]["value"]) == (
            "INVALID_FIELD",
            "max_tokens",
            str(value),
        )
        assert error["metadata"]["allowed"].startswith(f"1 to {most}")


async def test_max_tokens_default_is_what_is_sent_where_asked_for(chats: httpx.AsyncClient) -> None:
    answer = await completed(chats, LONG, x_pantheon_apply_defaults="true")
    assert (completion_tokens(answer), finish_reason(answer)) == (2000, "length")


async def test_defaults_are_sent_only_where_asked_for(chats: httpx.AsyncClient) -> None:
    answer = await completed(chats, LONG)
    assert (completion_tokens(answer), finish_reason(answer)) == (3000, "stop")


async def test_higher_max_tokens_mean_longer_answers_at_higher_cost(chats: httpx.AsyncClient) -> None:
    short, long = [await completed(chats, MODEL, max_tokens=most) for most in (4, 16)]
    assert (completion_tokens(short), completion_tokens(long)) == (4, 16)
    assert float(short.headers["x-pantheon-cost"]) < float(long.headers["x-pantheon-cost"])


async def test_max_tokens_must_fit_the_context_window(chats: httpx.AsyncClient) -> None:
    prompt = "word " * 5_000
    answer = await ask(chats, "openai/gpt-4", prompt, max_tokens=8_000)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "CONTEXT_TOO_LONG"
    figures = error["metadata"]
    assert (figures["model"], figures["window"], figures["max_tokens"]) == ("openai/gpt-4", "8192", "8000")
    assert all(figures[name] in error["message"] for name in ("window", "prompt_tokens", "max_tokens"))
