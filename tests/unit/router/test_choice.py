"""What `auto` and `auto/<use case>` stand for."""

from dataclasses import replace
from typing import Any

import pytest

from pantheon.catalog.v1.use_case_pb2 import UseCase
from services.router.catalog import NOTHING_CHOSEN, PLATFORM, Choice, Choices, Chosen, CustomModel, Endpoint
from services.router.chat import ChatRequest
from services.router.choice import choose
from services.router.pictures import has_pictures
from services.runtime.errors import ContextTooLong, InvalidField, ModelNotFound, NoEndpoint
from tests.unit.router.calls import PRINCIPAL, catalog, model, planned, provider, request

GENERAL, CODE, FAST = UseCase.USE_CASE_GENERAL, UseCase.USE_CASE_CODE, UseCase.USE_CASE_FAST
VISION, LONG = UseCase.USE_CASE_VISION, UseCase.USE_CASE_LONG_CONTEXT
PLATFORM_CHOICES: Choices = {
    GENERAL: Choice("acme/general"),
    CODE: Choice("acme/code"),
    FAST: Choice("acme/fast"),
    VISION: Choice("acme/vision"),
    LONG: Choice("acme/long"),
}


def of_acme(name: str, **facts: Any) -> Any:
    return model(f"acme/{name}", Endpoint("acme", name), Endpoint("openrouter", f"acme/{name}"), **facts)


MODELS = (
    of_acme("general", context_window=1_000, takes_pictures=False),
    of_acme("code", context_window=1_000),
    of_acme("fast"),
    of_acme("vision", context_window=2_000, takes_pictures=True),
    of_acme("long", context_window=100_000, takes_pictures=True),
    of_acme("own"),
    of_acme("blind", context_window=100_000, takes_pictures=False),
    model("gone/model", Endpoint("gone", "model"), successor_id="acme/own"),
)
CATALOG = replace(
    catalog((provider("acme"), provider("openrouter", aggregates=True), provider("gone", configured=False)), MODELS),
    use_cases={PLATFORM: PLATFORM_CHOICES},
)
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/bee.png"}}]}]


def chosen(asked: ChatRequest | str, settings: Chosen = NOTHING_CHOSEN, organisation: Choices | None = None) -> str:
    asked = request(asked) if isinstance(asked, str) else asked
    use_cases = {**CATALOG.use_cases, **({PRINCIPAL.organisation_id: organisation} if organisation else {})}
    return planned(asked, replace(CATALOG, use_cases=use_cases), settings).model


def long_prompt(name: str, characters: int, **members: Any) -> ChatRequest:
    return request(name, messages=[{"role": "user", "content": characters * "x"}], **members)


@pytest.mark.parametrize(
    ("name", "model"),
    (
        ("auto", "acme/general"),
        ("auto/general", "acme/general"),
        ("auto/code", "acme/code"),
        ("auto/fast", "acme/fast"),
        ("auto/vision", "acme/vision"),
        ("auto/long-context", "acme/long"),
    ),
)
def test_each_use_case_stands_for_the_platform_s_choice(name: str, model: str) -> None:
    assert chosen(name) == model


def test_the_user_s_choice_goes_before_the_organisation_s_and_that_before_the_platform_s() -> None:
    organisation: Choices = {CODE: Choice("acme/fast"), FAST: Choice("acme/code")}
    settings = Chosen(use_cases={CODE: Choice("acme/own")})
    assert [chosen(name, settings, organisation) for name in ("auto/code", "auto/fast", "auto/general")] == [
        "acme/own",
        "acme/code",
        "acme/general",
    ]


def test_auto_is_the_preferred_model_and_else_general() -> None:
    settings = Chosen(preferred_model="acme/own", use_cases={GENERAL: Choice("acme/fast")})
    assert chosen("auto", settings) == "acme/own"
    assert chosen("auto", replace(settings, preferred_model="")) == "acme/fast"
    assert chosen("auto/general", settings) == "acme/fast"


@pytest.mark.parametrize("name", ("auto/poetry", "auto/", "auto/Code", "auto/code/x"))
def test_an_unknown_use_case_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(InvalidField, match="auto/long-context") as caught:
        chosen(name)
    assert caught.value.metadata["field"] == "model"
    assert caught.value.metadata["value"] == name


def test_a_use_case_that_nobody_chose_for_says_who_could() -> None:
    with pytest.raises(InvalidField, match="preferred_model"):
        choose(request("auto/code"), catalog(()), PRINCIPAL)


@pytest.mark.parametrize("name", ("auto", "auto/code"))
def test_a_choice_that_is_no_model_s_name_leads_nowhere(name: str) -> None:
    with pytest.raises(ModelNotFound):
        chosen("auto", Chosen(preferred_model=name))


def test_a_choice_without_an_endpoint_names_the_model_it_stood_for() -> None:
    with pytest.raises(NoEndpoint) as caught:
        chosen("auto/code", Chosen(use_cases={CODE: Choice("gone/model")}))
    assert caught.value.metadata == {"model": "gone/model", "successor": "acme/own"}


def test_the_preferred_provider_goes_first_unless_the_request_names_others() -> None:
    settings = Chosen(use_cases={CODE: Choice("acme/code", "openrouter")})
    first, second = planned(request("auto/code"), CATALOG, settings).candidates
    assert (first.provider.name, second.provider.name) == ("openrouter", "acme")
    asked = replace(request("auto/code"), providers=("acme", "openrouter"))
    assert planned(asked, CATALOG, settings).candidates[0].provider.name == "acme"
    unknown = Chosen(use_cases={CODE: Choice("acme/code", "gone")})
    assert planned(request("auto/code"), CATALOG, unknown).candidates[0].provider.name == "acme"


def test_a_picture_goes_to_a_model_that_takes_pictures() -> None:
    assert chosen(request("auto", messages=PICTURE)) == "acme/vision"
    assert chosen(request("auto/general", messages=PICTURE)) == "acme/vision"


def test_a_picture_stays_with_a_model_that_takes_pictures_or_of_which_it_is_not_known() -> None:
    assert chosen(request("auto/long-context", messages=PICTURE)) == "acme/long"
    assert chosen(request("auto/code", messages=PICTURE)) == "acme/code"
    assert chosen(request("auto", messages=PICTURE), Chosen(preferred_model="acme/unlisted")) == "acme/unlisted"


def test_a_picture_for_a_model_asked_for_by_name_stays_with_it() -> None:
    assert chosen(request("acme/general", messages=PICTURE)) == "acme/general"


def test_the_user_s_own_choice_for_pictures_is_taken() -> None:
    settings = Chosen(use_cases={VISION: Choice("acme/own")})
    assert chosen(request("auto", messages=PICTURE), settings) == "acme/own"


def test_a_long_prompt_goes_to_a_model_with_room() -> None:
    assert chosen(long_prompt("auto", 3_000)) == "acme/general"
    assert chosen(long_prompt("auto", 5_000)) == "acme/long"
    assert chosen(long_prompt("auto/vision", 9_000)) == "acme/long"
    assert chosen(long_prompt("auto/fast", 9_000)) == "acme/fast", "of which the room is not known"


def test_the_answer_needs_room_too() -> None:
    assert chosen(long_prompt("auto", 3_000, max_tokens=100)) == "acme/general"
    assert chosen(long_prompt("auto", 3_000, max_tokens=400)) == "acme/long"


def test_a_long_prompt_with_a_picture_does_not_go_where_pictures_are_not_taken() -> None:
    text = {"type": "text", "text": 20_000 * "x"}
    asked = request("auto", messages=[*PICTURE, {"role": "user", "content": [text]}])
    assert chosen(asked) == "acme/long"
    with pytest.raises(ContextTooLong) as caught:
        chosen(asked, Chosen(use_cases={LONG: Choice("acme/blind")}))
    assert caught.value.metadata["model"] == "acme/vision"


def test_a_custom_model_can_be_chosen_and_moved_away_from() -> None:
    custom = CustomModel("id", "custom/mine", "user-1", Endpoint("acme", "mine"), "https://acme.example/v1", True)
    known = replace(CATALOG, custom_models={"user-1": {"custom/mine": replace(custom, context_window=1_000)}})
    settings = Chosen(preferred_model="custom/mine")
    assert planned(request("auto"), known, settings).model == "custom/mine"
    assert planned(long_prompt("auto", 9_000), known, settings).model == "acme/long"


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "x"}}


@pytest.mark.parametrize(
    "members",
    (
        {"messages": PICTURE},
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [IMAGE]}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org"}]}]},
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "file_id": "f"}]}]},
        {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}}]},
    ),
)
def test_a_picture_is_seen_in_every_format(members: dict[str, Any]) -> None:
    assert has_pictures(request("auto", **members))


@pytest.mark.parametrize(
    "members",
    (
        {},
        {"input": "image_url"},
        {"messages": [{"role": "user", "content": 'Draw an image: {"type": "image_url"}'}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "image_url"}]}]},
        {"tools": [{"type": "image"}]},
    ),
)
def test_talk_of_pictures_is_none(members: dict[str, Any]) -> None:
    assert not has_pictures(request("auto", **members))


def test_what_can_t_be_read_has_no_picture() -> None:
    asked = request("auto", messages=[])
    deep = 100_000 * b"[" + b'"image"' + 100_000 * b"]"
    assert not has_pictures(replace(asked, body={**asked.body, "messages": type(asked.body["messages"])(deep)}))
