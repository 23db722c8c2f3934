"""Models, their prices, custom models, use cases and settings at a terminal, against a running stack."""

import json
from pathlib import Path

import pytest

from tests.fixtures.commands import CommandLine
from tests.fixtures.deployments import Deployment
from tests.fixtures.guide import CUSTOM_MODEL
from tests.fixtures.people import new_administrator, new_member

# Priced anew in these tests, and asked for in none.
ENDPOINT, MODEL = "openai:gpt-4-0314", "openai/gpt-4-0314"


@pytest.fixture(scope="session")
def operator(deployment: Deployment) -> CommandLine:
    """The platform's administrator."""
    return CommandLine(deployment)


@pytest.fixture
async def administrator(deployment: Deployment) -> CommandLine:
    """An administrator of an organisation that nobody else is in."""
    return CommandLine(deployment, (await new_administrator(deployment)).api_key)


@pytest.fixture
async def member(deployment: Deployment) -> CommandLine:
    """Somebody who has set nothing yet."""
    return CommandLine(deployment, (await new_member(deployment)).api_key)


@pytest.fixture
def guide(tmp_path: Path) -> str:
    """The guide's document in a file."""
    path = tmp_path / "model.json"
    path.write_text(CUSTOM_MODEL)
    return str(path)


async def test_models_are_listed_by_what_they_can_do_hold_and_cost(member: CommandLine) -> None:
    found = {model["id"]: model for model in await member.answer("models", "list", "gpt-4-turbo")}
    turbo = found["openai/gpt-4-turbo"]
    assert [endpoint["provider"] for endpoint in turbo["endpoints"]] == ["openai", "openrouter"]
    assert turbo["endpoints"][0]["price_per_million"]["prompt_token"] == 10
    assert "gpt-4-turbo" in turbo["aliases"]

    filters = ("--capability", "vision", "--capability", "tools", "--min-context", "200000", "--current")
    cheap = await member.answer("models", "list", *filters, "--max-prompt-price", "1", "--order", "context-window")
    windows = [model["context_window"] for model in cheap]
    assert windows == sorted(windows, reverse=True)
    assert windows[-1] >= 200_000
    assert all("image" in model["input_modalities"] and model["capabilities"]["tools"] for model in cheap)
    dearest = await member.answer("models", "list", "--provider", "anthropic", "--order", "prompt-price", "--reverse")
    cheapest = await member.answer("models", "list", "--provider", "anthropic", "--order", "prompt-price")
    assert dearest[0]["id"] != cheapest[0]["id"]
    table = await member.told("models", "list", "claude-3-opus")
    assert "anthropic/claude-3-opus anthropic 200,000 4,096 15 75 tools" in table


async def test_a_model_is_shown_with_its_parameters_and_prices(member: CommandLine) -> None:
    shown = await member.answer("models", "show", "gpt-4")
    assert shown["id"] == "openai/gpt-4"
    assert shown["parameters"]["max_tokens"] == {
        "supported": True, "minimum": 1, "maximum": 8192, "default": 2000, "integer": True
    }  # fmt: skip
    assert shown["endpoints"][0]["prices"][0]["unit_prices"]
    told = await member.told("models", "show", "gpt-4")
    assert "context window 8,192" in told
    assert "max_tokens yes 1 8,192 2,000" in told
    assert "openai:gpt-4 ever now prompt_token 30 1,000,000" in told


async def test_a_price_is_set_from_a_day_on_and_its_history_stays(operator: CommandLine, member: CommandLine) -> None:
    options = ("--prompt", "2.5", "--completion", "10", "--cached", "1.25", "--source", "contract 17")
    made = await operator.answer("models", "price", "set", ENDPOINT, *options, "--from", "2030-01-01")
    assert made["effective_time"] == "2030-01-01T00:00:00Z"
    assert [(entry["unit"], entry["price"]) for entry in made["unit_prices"]] == [
        ("prompt_token", 2.5), ("cached_token", 1.25), ("completion_token", 10)
    ]  # fmt: skip
    told = await operator.told("models", "price", "set", ENDPOINT, "--unpriced", "--from", "2031-01-01")
    assert told.startswith(f"{ENDPOINT}: price ")

    history = await member.answer("models", "price", MODEL)
    (endpoint,) = [endpoint for endpoint in history["endpoints"] if endpoint["id"] == ENDPOINT]
    assert made in endpoint["prices"]
    assert history["overrides"] is None
    table = await member.told("models", "price", "show", MODEL)
    assert "cached_token 1.25 1,000,000" in table
    assert "unpriced" in table


async def test_an_organisation_s_prices_are_overridden_and_it_sees_so(
    deployment: Deployment, operator: CommandLine
) -> None:
    person = await new_administrator(deployment)
    administrator = CommandLine(deployment, person.api_key)
    override = ("models", "price", "override", "openai", "--organisation", person.organisation_id)
    made = await operator.answer(*override, "--factor", "0.8", "--source", "deal")
    assert (made["provider"], made["endpoint_id"], made["factor"]) == ("openai", None, 0.8)
    of_endpoint = ("--endpoint", "openai:gpt-4", "--factor", "0.75", "--from", "2030-01-01")
    assert "openai:gpt-4 2030-01-01" in await operator.told(*override, *of_endpoint)
    shown = await administrator.answer("models", "price", "gpt-4")
    assert [override["factor"] for override in shown["overrides"]] == [0.75, 0.8]
    assert "all of openai" in await administrator.told("models", "price", "gpt-4")
    assert (await administrator.answer("models", "price", "claude-3-opus"))["overrides"] == []


async def test_a_sync_is_shown_applied_listed_and_undone(operator: CommandLine) -> None:
    shown = await operator.answer("models", "sync", "openai")
    assert [listing["provider"] for listing in shown["listings"]] == ["openai"]
    assert shown["differences"]
    assert shown["sync"] is None
    broken = await operator.run("models", "sync", "openai", "--remove-missing")
    assert (broken.returncode, "no difference" in broken.stdout) == (1, True), "a list too short to be believed"

    unsure = await operator.run("models", "sync", "openai", "--apply", typed="n\n")
    assert (unsure.returncode, "[y/N]" in unsure.stderr) == (1, True)
    applied = (await operator.answer("models", "sync", "openai", "--apply", "--yes"))["sync"]
    assert applied["changed"] == len(shown["differences"])
    assert applied["id"] in {sync["id"] for sync in await operator.answer("models", "syncs")}
    assert "is undone" in await operator.told("models", "revert", applied["id"])
    assert applied["id"] in await operator.told("models", "syncs")

    again = await operator.told("models", "sync", "openai", "--apply", typed="y\n")
    assert "applied as" in again
    (latest, *_) = await operator.answer("models", "syncs")
    assert (await operator.answer("models", "revert", latest["id"]))["revert_time"]
    assert latest["id"] in await operator.refusal("models", "revert", latest["id"])


async def test_the_guides_custom_model_is_tried_made_changed_and_chosen(member: CommandLine, guide: str) -> None:
    tried = await member.answer("custom-models", "test", guide, "--prompt", "Say hello.")
    assert tried["verdict"]["passed"]
    made = await member.answer("custom-models", "create", guide)
    assert {name: made[name] for name in json.loads(CUSTOM_MODEL)} == json.loads(CUSTOM_MODEL)

    test = await member.told("custom-models", "test", "custom/my-model")
    assert "verdict passed" in test
    assert "first token" in test
    assert "cost $0.0" in test
    assert "custom/my-model My Custom Model openrouter" in await member.told("custom-models", "list")
    assert await member.answer("custom-models", "list") == [made]

    change = '{"parameters": {"temperature": 0.2}, "cost_per_1k_tokens": null}'
    changed = await member.answer("custom-models", "update", made["id"], "-", typed=change)
    assert changed["parameters"] == {**made["parameters"], "temperature": 0.2}
    assert changed["cost_per_1k_tokens"] is None
    assert "auto stands for custom/my-model" in await member.told("custom-models", "default", made["id"])
    assert await member.answer("custom-models", "default", "custom/my-model") == {"preferred_model": "custom/my-model"}
    assert (await member.answer("settings", "show"))["custom_models"] == [changed]

    assert await member.refusal("custom-models", "delete", made["id"], typed="\n")
    assert "is gone" in await member.told("custom-models", "delete", "custom/my-model", typed="y\n")
    assert await member.answer("custom-models", "list") == []


async def test_what_show_prints_is_a_document_to_send_back(administrator: CommandLine, guide: str) -> None:
    assert "custom/my-model" in await administrator.told("custom-models", "create", guide, "--share")
    shown = await administrator.answer("custom-models", "show", "custom/my-model")
    assert shown["project_id"]
    update = ("custom-models", "update", "custom/my-model")
    same = await administrator.answer(*update, "-", typed=json.dumps(shown))
    assert {**same, "update_time": None} == {**shown, "update_time": None}
    assert "shared no" in await administrator.told(*update, "--unshare")
    assert "shared in the project" in await administrator.told(*update, "--share")
    assert await administrator.answer("custom-models", "delete", shown["id"], "--yes") == {
        "id": shown["id"], "model_id": "custom/my-model"
    }  # fmt: skip


async def test_a_models_key_is_never_shown(member: CommandLine, guide: str) -> None:
    secret = "sk-canary-0123456789-last"
    made = await member.run(
        "custom-models", "create", guide, "--json", "--api-key-variable", "MODEL_KEY", MODEL_KEY=secret
    )
    assert json.loads(made.stdout)["has_api_key"]
    shown = await member.run("custom-models", "show", "custom/my-model")
    changed = await member.run("custom-models", "update", "custom/my-model", "--api-key-stdin", typed=f"{secret}\n")
    assert "its own" in changed.stdout
    for run in (made, shown, changed):
        assert secret not in run.stdout + run.stderr
    assert "the provider's" in await member.told("custom-models", "update", "custom/my-model", "--no-api-key")


async def test_an_organisation_chooses_what_a_use_case_stands_for(administrator: CommandLine) -> None:
    listed = await administrator.answer("use-cases", "list")
    assert [choice["use_case"] for choice in listed["use_cases"]] == [
        "general", "code", "fast", "vision", "long-context"
    ]  # fmt: skip
    assert listed["suggested_temperatures"] == {"code": 0.2, "chat": 0.7, "creative": 1.2}
    chosen = await administrator.answer("use-cases", "set", "long-context", "gpt-4", "--provider", "openrouter")
    assert (chosen["model"], chosen["provider"], chosen["level"]) == ("gpt-4", "openrouter", "organisation")
    assert "auto/long-context gpt-4 openrouter organisation" in await administrator.told("use-cases", "list")
    assert "auto/fast gpt-4 organisation" in await administrator.told("use-cases", "set", "auto/fast", "gpt-4")
    assert (await administrator.answer("use-cases", "clear", "long-context"))["level"] == "platform"
    assert "auto/fast openai/gpt-3.5-turbo" in await administrator.told("use-cases", "clear", "fast")


async def test_settings_are_set_one_by_one_and_taken_back(member: CommandLine) -> None:
    assert "preferred_model -" in await member.told("settings", "show")
    assert "temperature 0.2" in await member.told("settings", "set", "temperature", "0.2")
    await member.told("settings", "set", "presence_penalty", "-0.5")
    await member.told("settings", "set", "preferred_model", "gpt-4")
    chosen = await member.answer("settings", "set", "use_cases.code", "gpt-4", "--provider", "openrouter")
    assert chosen["preferred_model"] == "gpt-4"
    assert chosen["model_parameters"] == {"temperature": 0.2, "presence_penalty": -0.5}
    assert chosen["use_cases"] == {"code": {"model": "gpt-4", "provider": "openrouter"}}
    assert "use_cases.code -" in await member.told("settings", "clear", "use_cases.code")
    assert (await member.answer("settings", "clear", "temperature"))["model_parameters"] == {"presence_penalty": -0.5}


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        (("models", "show", "gpt-44"), "No model 'gpt-44' is known; is one of these meant: gpt-4,"),
        (("models", "price", "gpt-44"), "is one of these meant: gpt-4,"),
        (("models", "list", "--capability", "flying"), "--capability: 'flying' is not allowed; one of tools,"),
        (("models", "list", "--max-prompt-price", "cheap"), "--max-prompt-price: 'cheap' is not allowed; a number"),
        (("models", "sync", "openai"), "SyncModels"),
        (("models", "price", "set", ENDPOINT, "--prompt", "1"), "AddPrice"),
        (("models", "price", "set", ENDPOINT), "say what it costs: --prompt"),
        (("models", "price", "override", "openai", "--factor", "much"), "--factor: 'much' is not allowed; a number"),
        (("models", "revert", "01a20000-0000-7000-8000-000000000000"), "RevertSync"),
        (("custom-models", "show", "custom/none"), "There is no custom_model 'custom/none'"),
        (("custom-models", "create", "nowhere.json"), "nowhere.json cannot be read: No such file or directory"),
        (("custom-models", "create", "-"), "standard input cannot be read: it is empty"),
        (("custom-models", "update", "custom/none"), "nothing to change"),
        (("use-cases", "set", "poetry", "gpt-4"), "USE_CASE: 'poetry' is not allowed; one of general, code"),
        (("settings", "set", "mood", "good"), "KEY: 'mood' is not allowed; one of preferred_model, temperature"),
        (("settings", "set", "temperature", "3"), "temperature: '3' is not allowed; 0 to 2"),
        (("settings", "set", "preferred_model", "gpt-44"), "is one of these meant: gpt-4,"),
    ),
)
async def test_what_goes_wrong_is_one_clear_line(arguments: tuple[str, ...], told: str, newcomer: CommandLine) -> None:
    assert told in await newcomer.refusal(*arguments)


@pytest.fixture(scope="session")
async def newcomer(deployment: Deployment) -> CommandLine:
    """Somebody who sets nothing, whatever is tried."""
    return CommandLine(deployment, (await new_member(deployment)).api_key)


@pytest.mark.parametrize(
    ("change", "told"),
    (
        ({"api_endpoint": "https://169.254.169.254/v1/chat/completions"}, "api_endpoint: "),
        ({"provider": "nobody"}, "provider: 'nobody' is not allowed; one of"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature: '3' is not allowed; 0 to 2"),
        ({"model_id": "my-model"}, "model_id: 'my-model' is not allowed; custom/<slug>"),
        ({"temperature": 1}, "temperature: 'unknown field' is not allowed; expected name"),
        ({"api_key": "sk-canary"}, "api_key: a key does not belong in the document"),
    ),
    ids=str,
)
@pytest.mark.parametrize("command", ("create", "test"))
async def test_a_mistaken_document_is_told_by_its_members(
    command: str, change: dict[str, object], told: str, newcomer: CommandLine
) -> None:
    document = json.dumps({**json.loads(CUSTOM_MODEL), **change})
    line = await newcomer.refusal("custom-models", command, "-", typed=document)
    assert line.startswith(told)
    assert "canary" not in line
