"""The rules of custom models, each refused spelling with its message."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.auth.v1.access_pb2 import (
    ROLE_MEMBER,
    ROLE_ORGANISATION_ADMIN,
    ROLE_PLATFORM_ADMIN,
    ROLE_PROJECT_ADMIN,
    Role,
)
from services.catalog.custom_model_entities import (
    Cost,
    CustomModel,
    Description,
    KeyMark,
    SealedKey,
)
from services.catalog.custom_models import (
    changeable,
    check_project,
    checked,
    is_moved,
    key_mark,
    may_change,
    may_see,
    merged,
    provider_named,
    slug,
    visible,
    written_paths,
)
from services.catalog.entities import PARAMETER_NAMES, Parameters
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.errors import AccessDenied, InvalidField, ResourceNotFound
from tests.unit.catalog.test_user_settings import ACME, RESELLER

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHEAP = Cost(Decimal("0.01"), Decimal("0.03"))

DESCRIPTION = Description(
    model_id="custom/my-model",
    name="My Custom Model",
    provider="openrouter",
    api_endpoint="https://openrouter.ai/api/v1/chat/completions",
    parameters=Parameters(0.7, 4_000, 0.9, 0.0, 0.0),
    context_window=8_192,
    cost=CHEAP,
)
MODEL = CustomModel(
    id="01900000-0000-7000-8000-0000000000aa",
    user_id="owner",
    organisation_id="organisation",
    description=DESCRIPTION,
    base_url="https://openrouter.ai/api/v1",
    provider_hosted=True,
)
SHARED = replace(MODEL, description=replace(DESCRIPTION, project_id="project"))


def caller(
    user: str, project: str = "project", role: Role.ValueType = ROLE_MEMBER, organisation: str = "organisation"
) -> Principal:
    return Principal(user, organisation, project, "", role, ALL_SCOPES)


def refusal(**fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        checked(replace(DESCRIPTION, **fields))
    return caught.value.metadata


def test_the_guide_s_document_is_kept_as_it_is() -> None:
    assert checked(DESCRIPTION) == DESCRIPTION


@pytest.mark.parametrize(
    "model_id", ("custom/a", "custom/7", "custom/gpt-4.1_mini:free", "custom/team/a/b", f"custom/{'x' * 128}")
)
def test_a_slug_has_lower_case_letters_digits_and_a_few_signs(model_id: str) -> None:
    assert slug(checked(replace(DESCRIPTION, model_id=model_id)).model_id) == model_id.removeprefix("custom/")


@pytest.mark.parametrize(
    "model_id",
    (
        "",
        "custom",
        "custom/",
        "my-model",
        "openai/gpt-4",
        "Custom/my-model",
        "custom/My-Model",
        "custom/-model",
        "custom/model-",
        "custom//model",
        "custom/model/",
        "custom/my model",
        "custom/my+model",
        "custom/modèle",
        "custom/model\n",
        "custom/m\0",
        " custom/model",
        f"custom/{'x' * 129}",
    ),
)
def test_what_is_no_slug_is_refused(model_id: str) -> None:
    metadata = refusal(model_id=model_id)
    assert (metadata["field"], metadata["value"]) == ("model_id", model_id)
    assert metadata["allowed"].startswith("custom/<slug>, a slug of 1 to 128 characters of a-z, 0-9")


@pytest.mark.parametrize("name", ("", " ", "x" * 101, "two\nlines", "nul\0", "\u200b"))
def test_a_name_has_1_to_100_printable_characters(name: str) -> None:
    assert refusal(name=name) == {"field": "name", "value": name, "allowed": "1 to 100 printable characters"}


def test_a_name_is_kept_without_spaces_around_it_and_composed() -> None:
    assert checked(replace(DESCRIPTION, name=f"  Mode\u0300le {'x' * 92} ")).name == f"Mod\u00e8le {'x' * 92}"


@pytest.mark.parametrize("called", ("x" * 201, "two words", "line\n", "nul\0"))
def test_what_the_endpoint_calls_the_model_has_no_spaces(called: str) -> None:
    allowed = "at most 200 printable characters, no spaces"
    assert refusal(provider_model_id=called) == {
        "field": "provider_model_id",
        "value": called[:200],
        "allowed": allowed,
    }


@pytest.mark.parametrize("window", (0, -1, -(2**63)))
def test_a_context_window_has_room(window: int) -> None:
    assert refusal(context_window=window) == {
        "field": "context_window",
        "value": str(window),
        "allowed": "a whole number of tokens, at least 1",
    }


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    (
        ("temperature", 2.1, "0 to 2"),
        ("temperature", -0.1, "0 to 2"),
        ("temperature", math.nan, "0 to 2"),
        ("max_tokens", 0, "1 to 8192, a whole number"),
        ("max_tokens", 8_193, "1 to 8192, a whole number"),
        ("top_p", 1.1, "0 to 1"),
        ("frequency_penalty", -2.1, "-2 to 2"),
        ("presence_penalty", 2.1, "-2 to 2"),
    ),
)
def test_a_parameter_out_of_range_is_refused_by_path_value_and_range(name: str, value: float, allowed: str) -> None:
    parameters = Parameters(**{name: value})  # type: ignore[arg-type]  # one of five
    assert refusal(parameters=parameters) == {"field": f"parameters.{name}", "value": str(value), "allowed": allowed}


@pytest.mark.parametrize("window", (None, 2**40))
def test_max_tokens_stays_in_its_range_where_the_context_window_says_no_less(window: int | None) -> None:
    metadata = refusal(parameters=Parameters(max_tokens=2**31), context_window=window)
    assert metadata["allowed"] == "1 to 2147483647, a whole number"
    checked(replace(DESCRIPTION, parameters=Parameters(max_tokens=2**31 - 1), context_window=window))


def test_any_provider_there_is_will_do_and_others_are_refused_with_those_there_are() -> None:
    assert provider_named("reseller", [ACME, RESELLER]) == RESELLER
    for name in ("acne", "", "ACME"):
        with pytest.raises(InvalidField) as caught:
            provider_named(name, [ACME, RESELLER])
        assert caught.value.metadata == {"field": "provider", "value": name, "allowed": "one of acme, reseller"}


# --- masks --------------------------------------------------------------------------------------------------------

FIELDS = (
    "model_id",
    "name",
    "project_id",
    "provider",
    "api_endpoint",
    "provider_model_id",
    "context_window",
    "cost_per_1k_tokens",
)
SINGLE = (*FIELDS, *(f"parameters.{name}" for name in PARAMETER_NAMES))


@given(st.sets(st.sampled_from((*SINGLE, "parameters"))))
def test_exactly_what_a_mask_names_is_written_and_an_empty_one_names_all(mask: set[str]) -> None:
    paths = written_paths(mask)
    of_parameters = {path for path in SINGLE if path.startswith("parameters.")}
    expected = (mask - {"parameters"}) | (of_parameters if "parameters" in mask else set())
    assert paths == (expected or frozenset(SINGLE))
    cleared = Description(model_id="", name="", provider="", api_endpoint="")
    result = merged(DESCRIPTION, cleared, paths)
    for path in FIELDS:
        name = "cost" if path == "cost_per_1k_tokens" else path
        assert getattr(result, name) == getattr(cleared if path in paths else DESCRIPTION, name), path
    for name in PARAMETER_NAMES:
        source = cleared if f"parameters.{name}" in paths else DESCRIPTION
        assert getattr(result.parameters, name) == getattr(source.parameters, name), name


def test_a_change_of_nothing_but_the_key_writes_no_field() -> None:
    assert written_paths(["api_key"]) == frozenset()
    assert written_paths(["api_key", "name"]) == {"name"}


@pytest.mark.parametrize(
    "path",
    ("id", "user_id", "prices", "has_api_key", "base_url", "key_version", "*", "", "temperature",
     "parameters.", "parameters.top_k", "cost_per_1k_tokens.input", "update_time"),
)  # fmt: skip
def test_what_is_output_only_or_unknown_cannot_be_written(path: str) -> None:
    with pytest.raises(InvalidField) as caught:
        written_paths(["name", path])
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == ("update_mask", path)
    assert "parameters.temperature" in caught.value.metadata["allowed"]


# --- people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "sees_own", "sees_shared", "changes_shared"),
    (
        (caller("owner"), True, True, True),
        (caller("owner", project="elsewhere"), True, True, True),
        (caller("member"), False, True, False),
        (caller("member", project="elsewhere"), False, False, False),
        (caller("admin", role=ROLE_PROJECT_ADMIN), False, True, True),
        (caller("admin", project="elsewhere", role=ROLE_PROJECT_ADMIN), False, False, False),
        (caller("admin", project="elsewhere", role=ROLE_ORGANISATION_ADMIN), False, True, True),
        (caller("admin", role=ROLE_ORGANISATION_ADMIN), False, True, True),
        (caller("admin", "elsewhere", ROLE_ORGANISATION_ADMIN, organisation="other"), False, False, False),
        (caller("admin", "elsewhere", ROLE_PLATFORM_ADMIN, organisation="other"), False, False, False),
    ),
)
def test_the_owner_and_administrators_change_a_model_and_members_see_it(
    who: Principal, sees_own: bool, sees_shared: bool, changes_shared: bool
) -> None:
    assert (may_see(who, MODEL), may_change(who, MODEL)) == (sees_own, sees_own)
    assert (may_see(who, SHARED), may_change(who, SHARED)) == (sees_shared, changes_shared)


def test_a_caller_of_no_project_shares_nothing_with_models_of_none() -> None:
    assert not may_see(caller("member", project="", role=ROLE_ORGANISATION_ADMIN), MODEL)


def test_who_cannot_see_a_model_is_told_there_is_none_and_who_can_that_it_is_not_theirs() -> None:
    assert visible(caller("member"), SHARED, "custom/my-model") is SHARED
    for model in (None, MODEL):
        with pytest.raises(ResourceNotFound) as unknown:
            changeable(caller("member"), model, "custom/my-model", "/Method")
        assert unknown.value.metadata == {"resource": "custom_model", "id": "custom/my-model"}
    with pytest.raises(AccessDenied) as denied:
        changeable(caller("member"), SHARED, "custom/my-model", "/Method")
    assert denied.value.metadata == {"method": "/Method", "required": "ROLE_PROJECT_ADMIN"}


def test_a_model_is_shared_in_the_caller_s_own_project_or_stays_where_it_is() -> None:
    for project in ("", "project"):
        check_project(project, caller("owner"))
    check_project("elsewhere", caller("owner"), "elsewhere")
    with pytest.raises(InvalidField) as caught:
        check_project("elsewhere", caller("owner"), "project")
    assert caught.value.metadata == {
        "field": "project_id",
        "value": "elsewhere",
        "allowed": "project, which is the caller's own, or empty",
    }


# --- keys ---------------------------------------------------------------------------------------------------------

KEPT = KeyMark(present=True, last_four="cdef", version=3)


@pytest.mark.parametrize(
    ("kept", "api_key", "mark"),
    (
        (KeyMark(), None, KeyMark()),
        (KeyMark(), "", KeyMark()),
        (KeyMark(), "k" * 16 + "wxyz", KeyMark(True, "wxyz", 1)),
        (KeyMark(), "k" * 15 + "wxyz", KeyMark(True, "", 1)),
        (KEPT, None, KEPT),
        (KEPT, "", KeyMark(False, "", 4)),
        (KEPT, "short", KeyMark(True, "", 4)),
        (KeyMark(version=4), "", KeyMark(version=4)),
        (KeyMark(version=4), "~" * 4_096, KeyMark(True, "~~~~", 5)),
    ),
)
def test_every_change_of_a_key_counts_and_a_long_one_shows_its_end(
    kept: KeyMark, api_key: str | None, mark: KeyMark
) -> None:
    assert key_mark(kept, api_key) == mark


@pytest.mark.parametrize("api_key", ("k" * 4_097, "with space", "line\n", "clé", "nul\0", " "))
def test_what_no_header_can_carry_is_no_key_and_is_not_told(api_key: str) -> None:
    with pytest.raises(InvalidField) as caught:
        key_mark(KeyMark(), api_key)
    metadata = caught.value.metadata
    assert (metadata["field"], metadata["value"]) == ("api_key", f"{len(api_key)} characters")
    assert "printable ASCII" in metadata["allowed"]


def test_a_key_does_not_follow_to_another_origin() -> None:
    with pytest.raises(InvalidField) as caught:
        key_mark(KEPT, None, moved=True)
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == ("api_key", "")
    assert "bound to the present origin" in caught.value.metadata["allowed"]
    assert key_mark(KEPT, "another", moved=True).version == 4
    assert key_mark(KEPT, "", moved=True) == KeyMark(version=4)
    assert key_mark(KeyMark(version=2), None, moved=True) == KeyMark(version=2)


@pytest.mark.parametrize(
    ("endpoint", "moved"),
    (
        ("https://openrouter.ai/api/v2/chat/completions", False),
        ("https://openrouter.ai:443/api/v1/chat/completions", False),
        ("https://openrouter.ai:8443/api/v1/chat/completions", True),
        ("http://openrouter.ai/api/v1/chat/completions", True),
        ("https://openrouter.ai.evil.example/api/v1/chat/completions", True),
    ),
)
def test_another_path_is_the_same_origin_and_another_port_scheme_or_host_is_not(endpoint: str, moved: bool) -> None:
    assert is_moved(MODEL, replace(DESCRIPTION, api_endpoint=endpoint)) == moved


def test_a_sealed_key_is_labelled_with_its_model_and_origin_and_does_not_show_itself() -> None:
    key = SealedKey("m", 3, "https://openrouter.ai:443", b"envelope")
    assert key.label == "custom_model:m:https://openrouter.ai:443"
    assert "envelope" not in repr(key)
