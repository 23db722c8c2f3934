import math
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_BEARER, WIRE_FORMAT_OPENAI_CHAT
from services.catalog.choices import Offers
from services.catalog.custom_model_entities import CustomModel, Description
from services.catalog.entities import PARAMETER_NAMES, Choice, Model, Parameters, Provider, ProviderFlags, UserSettings
from services.catalog.use_cases import USE_CASES
from services.catalog.user_settings import PATHS, check_settings, merged, written_paths
from services.runtime.errors import InvalidField

USER = "01900000-0000-7000-8000-000000000001"
EVERYTHING = written_paths([])
ACME = Provider(
    name="acme",
    display_name="Acme",
    default_base_url="https://acme.test",
    wire_format=WIRE_FORMAT_OPENAI_CHAT,
    auth_style=AUTH_STYLE_BEARER,
)
RESELLER = replace(ACME, name="reseller", flags=ProviderFlags(aggregates_vendors=True))
SMALL = Model(id="acme/small", max_output_tokens=1_000)
MINE = CustomModel(
    user_id=USER,
    organisation_id=USER,
    description=Description(
        model_id="custom/mine",
        name="Mine",
        provider="acme",
        api_endpoint="https://acme.test/chat/completions",
        context_window=8_192,
    ),
    base_url="https://acme.test",
    provider_hosted=True,
)

parameters = st.builds(
    Parameters,
    temperature=st.none() | st.floats(0, 2),
    max_tokens=st.none() | st.integers(1, 10_000),
    top_p=st.none() | st.floats(0, 1),
    frequency_penalty=st.none() | st.floats(-2, 2),
    presence_penalty=st.none() | st.floats(-2, 2),
)
choices = st.builds(
    UserSettings,
    user_id=st.just(USER),
    preferred_model=st.sampled_from(["", "openai/gpt-4", "acme/small"]),
    parameters=parameters,
    update_time=st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    use_cases=st.dictionaries(st.sampled_from(sorted(USE_CASES)), st.builds(Choice, st.sampled_from(["a/b", "c/d"]))),
)
masks = st.lists(st.sampled_from(PATHS))


def flat(settings: UserSettings) -> dict[str, object]:
    named = {f"model_parameters.{name}": value for name, value in asdict(settings.parameters).items()}
    choices = {f"use_cases.{name}": settings.use_cases.get(name) for name in USE_CASES}
    return {"preferred_model": settings.preferred_model, **named, **choices}


def offered(settings: UserSettings, model: Model | CustomModel | None = None, *providers: Provider) -> Offers:
    """`model` is what the preferred model stands for."""
    known = {settings.preferred_model: model} if model else {}
    return Offers(known, providers, ("acme", "reseller"))


def check(settings: UserSettings, model: Model | CustomModel | None = None, *providers: Provider) -> None:
    check_settings(settings, EVERYTHING, offered(settings, model, *providers))


def refusal(settings: UserSettings, model: Model | CustomModel | None = None, *providers: Provider) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        check(settings, model, *providers)
    return caught.value.metadata


@given(choices, choices, masks)
def test_exactly_the_fields_of_the_mask_are_taken(kept: UserSettings, given_: UserSettings, mask: list[str]) -> None:
    paths = written_paths(mask)
    result = merged(kept, given_, paths)
    for path, value in flat(result).items():
        assert value == (flat(given_) if path in paths else flat(kept))[path], path
    assert (result.user_id, result.update_time) == (kept.user_id, kept.update_time)


@given(masks)
def test_a_mask_names_single_fields_and_an_empty_one_names_all(mask: list[str]) -> None:
    parameters = {f"model_parameters.{name}" for name in PARAMETER_NAMES}
    use_cases = {f"use_cases.{name}" for name in USE_CASES}
    everything = {"preferred_model"} | parameters | use_cases
    paths = written_paths(mask)
    assert paths <= everything
    assert (paths == everything) == (not mask or everything <= set(mask) | paths)
    assert all(path in paths for path in mask if path not in ("model_parameters", "use_cases"))
    assert "model_parameters" not in mask or parameters <= paths
    assert "use_cases" not in mask or use_cases <= paths


@pytest.mark.parametrize(
    "path",
    ("temperature", "user_id", "update_time", "*", "", "model_parameters.", "modelParameters", "use_cases.creative"),
)
def test_a_path_that_cannot_be_written_is_refused(path: str) -> None:
    with pytest.raises(InvalidField) as caught:
        written_paths(["preferred_model", path])
    assert caught.value.metadata["field"] == "update_mask"
    assert caught.value.metadata["value"] == path
    assert "model_parameters.temperature" in caught.value.metadata["allowed"]


@given(parameters)
def test_parameters_in_range_are_kept(chosen: Parameters) -> None:
    check(UserSettings(USER, parameters=chosen))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    (
        ("temperature", 2.5, "0 to 2"),
        ("temperature", math.nan, "0 to 2"),
        ("temperature", -math.inf, "0 to 2"),
        ("max_tokens", 0, "1 to 2147483647, a whole number"),
        ("top_p", 1.01, "0 to 1"),
        ("frequency_penalty", -2.1, "-2 to 2"),
        ("presence_penalty", 3, "-2 to 2"),
    ),
)
def test_a_parameter_out_of_range_is_refused_by_path_value_and_range(name: str, value: float, allowed: str) -> None:
    chosen = UserSettings(USER, parameters=Parameters(**{name: value}))  # type: ignore[arg-type]  # one of five
    assert refusal(chosen) == {"field": f"model_parameters.{name}", "value": str(value), "allowed": allowed}


def test_max_tokens_is_bounded_by_the_preferred_model() -> None:
    chosen = UserSettings(USER, "acme/small", Parameters(max_tokens=1_001))
    metadata = refusal(chosen, SMALL)
    assert (metadata["field"], metadata["allowed"]) == ("model_parameters.max_tokens", "1 to 1000, a whole number")
    check(replace(chosen, parameters=Parameters(max_tokens=1_000)), SMALL)
    check(chosen, Model(id="acme/unknown"))


def test_max_tokens_is_bounded_by_the_context_window_of_a_custom_model() -> None:
    chosen = UserSettings(USER, "custom/mine", Parameters(max_tokens=8_193))
    metadata = refusal(chosen, MINE)
    assert (metadata["field"], metadata["allowed"]) == ("model_parameters.max_tokens", "1 to 8192, a whole number")
    check(replace(chosen, parameters=Parameters(max_tokens=8_192)), MINE)
    unknown = replace(MINE, description=replace(MINE.description, context_window=None))
    check(chosen, unknown)


def test_a_new_model_must_allow_the_max_tokens_that_are_kept() -> None:
    chosen = UserSettings(USER, "acme/small", Parameters(max_tokens=5_000))
    with pytest.raises(InvalidField, match="5000"):
        check_settings(chosen, written_paths(["preferred_model"]), offered(chosen, SMALL))


def test_what_was_kept_before_does_not_hinder_changing_something_else() -> None:
    gone = UserSettings(USER, "gone/model", Parameters(temperature=0.3, max_tokens=2**40))
    gone = replace(gone, use_cases={"code": Choice("gone/model")})
    check_settings(gone, written_paths(["model_parameters.temperature", "use_cases.fast"]), offered(gone))


@pytest.mark.parametrize("name", ("", "acme/small", "small"))
def test_a_model_of_the_catalog_or_none_may_be_preferred(name: str) -> None:
    check(UserSettings(USER, name), SMALL if name else None)


def test_an_unlisted_model_of_a_configured_provider_may_be_preferred() -> None:
    check(UserSettings(USER, "acme/brand-new:free"), None, ACME)


def test_an_unlisted_model_of_any_vendor_may_be_preferred_where_a_provider_offers_them() -> None:
    check(UserSettings(USER, "somebody/some-model"), None, ACME, RESELLER)


@pytest.mark.parametrize(
    "name",
    ("auto", "auto/code", "custom/mine", "gpt-44", "/", "acme/", "/small", "acme/sm all", "acme/a\n", "a/" + "b" * 200),
)
def test_what_is_no_model_cannot_be_preferred(name: str) -> None:
    metadata = refusal(UserSettings(USER, name), None, ACME, RESELLER)
    assert (metadata["field"], metadata["value"]) == ("preferred_model", name[:200])
    assert "an alias of a model in the catalog" in metadata["allowed"]


def test_auto_is_no_choice_even_if_a_model_is_called_so() -> None:
    assert refusal(UserSettings(USER, "auto"), SMALL)["value"] == "auto"


def test_another_vendor_s_model_needs_a_configured_provider_that_offers_it() -> None:
    assert refusal(UserSettings(USER, "somebody/some-model"), None, ACME)["field"] == "preferred_model"


def test_a_custom_model_that_is_there_may_be_chosen() -> None:
    check(UserSettings(USER, "custom/mine"), MINE)
    chosen = UserSettings(USER, use_cases={"code": Choice("custom/mine")})
    check_settings(chosen, EVERYTHING, Offers({"custom/mine": MINE}))


@pytest.mark.parametrize("name", ("auto", "auto/code", "custom/gone", "gpt-44", "somebody/some-model"))
def test_a_use_case_stands_for_what_might_be_preferred(name: str) -> None:
    metadata = refusal(UserSettings(USER, use_cases={"long_context": Choice(name)}), None, ACME)
    assert (metadata["field"], metadata["value"]) == ("use_cases.long_context", name)
    check(UserSettings(USER, use_cases={"fast": Choice("acme/small")}), None, ACME)


def test_the_provider_that_a_use_case_prefers_exists() -> None:
    check(UserSettings(USER, use_cases={"fast": Choice("acme/small", "reseller")}), None, ACME)
    metadata = refusal(UserSettings(USER, use_cases={"fast": Choice("acme/small", "acne")}), None, ACME)
    assert (metadata["field"], metadata["value"]) == ("use_cases.fast.provider", "acne")
    assert metadata["allowed"] == "empty, or one of acme, reseller"
