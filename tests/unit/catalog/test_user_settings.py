import math
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_BEARER, WIRE_FORMAT_OPENAI_CHAT
from services.catalog.entities import PARAMETER_NAMES, Model, Parameters, Provider, ProviderFlags, UserSettings
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
)
masks = st.lists(st.sampled_from(PATHS))


def flat(settings: UserSettings) -> dict[str, object]:
    named = {f"model_parameters.{name}": value for name, value in asdict(settings.parameters).items()}
    return {"preferred_model": settings.preferred_model, **named}


def refusal(settings: UserSettings, model: Model | None = None, *providers: Provider) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        check_settings(settings, EVERYTHING, model, list(providers))
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
    everything = {"preferred_model", *(f"model_parameters.{name}" for name in PARAMETER_NAMES)}
    paths = written_paths(mask)
    assert paths <= everything
    assert (paths == everything) == (not mask or everything <= set(mask) | paths)
    assert all(path in paths for path in mask if path != "model_parameters")
    assert "model_parameters" not in mask or everything - paths <= {"preferred_model"}


@pytest.mark.parametrize(
    "path", ("temperature", "user_id", "update_time", "*", "", "model_parameters.", "modelParameters")
)
def test_a_path_that_cannot_be_written_is_refused(path: str) -> None:
    with pytest.raises(InvalidField) as caught:
        written_paths(["preferred_model", path])
    assert caught.value.metadata["field"] == "update_mask"
    assert caught.value.metadata["value"] == path
    assert "model_parameters.temperature" in caught.value.metadata["allowed"]


@given(parameters)
def test_parameters_in_range_are_kept(chosen: Parameters) -> None:
    check_settings(UserSettings(USER, parameters=chosen), EVERYTHING, None, [])


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
    check_settings(replace(chosen, parameters=Parameters(max_tokens=1_000)), EVERYTHING, SMALL, [])
    check_settings(chosen, EVERYTHING, Model(id="acme/unknown"), [])


def test_a_new_model_must_allow_the_max_tokens_that_are_kept() -> None:
    chosen = UserSettings(USER, "acme/small", Parameters(max_tokens=5_000))
    with pytest.raises(InvalidField, match="5000"):
        check_settings(chosen, written_paths(["preferred_model"]), SMALL, [])


def test_what_was_kept_before_does_not_hinder_changing_something_else() -> None:
    gone = UserSettings(USER, "gone/model", Parameters(temperature=0.3, max_tokens=2**40))
    check_settings(gone, written_paths(["model_parameters.temperature"]), None, [])


@pytest.mark.parametrize("name", ("", "acme/small", "small"))
def test_a_model_of_the_catalog_or_none_may_be_preferred(name: str) -> None:
    check_settings(UserSettings(USER, name), EVERYTHING, SMALL if name else None, [])


def test_an_unlisted_model_of_a_configured_provider_may_be_preferred() -> None:
    check_settings(UserSettings(USER, "acme/brand-new:free"), EVERYTHING, None, [ACME])


def test_an_unlisted_model_of_any_vendor_may_be_preferred_where_a_provider_offers_them() -> None:
    check_settings(UserSettings(USER, "somebody/some-model"), EVERYTHING, None, [ACME, RESELLER])


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
