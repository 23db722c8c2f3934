from copy import deepcopy
from typing import Any

from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.edge.rest.members import Members
from services.edge.rest.settings import amendment, replacement, settings_body

fractions = st.floats(-2, 2)
parameters = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.none() | fractions | st.integers(0, 2),
        "max_tokens": st.none() | st.integers(1, 2**31),
        "top_p": st.none() | fractions,
        "frequency_penalty": st.none() | fractions,
        "presence_penalty": st.none() | fractions,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={"preferred_model": st.none() | st.text(min_size=1), "model_parameters": st.none() | parameters},
)


def applied(kept: UserSettings, change: Any) -> UserSettings:
    """What the mask makes of settings; unlike in the contract, here no path means no change."""
    outcome = deepcopy(kept)
    change.update_mask.MergeMessage(change.settings, outcome, replace_message_field=True)
    return outcome


def plain(message: Message) -> dict[str, Any]:
    assert isinstance(message, UserSettings)
    body = settings_body(message)
    return {"preferred_model": body.preferred_model, "model_parameters": body.model_parameters}


def set_only(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


@given(bodies)
def test_a_replacement_keeps_nothing_of_what_was(body: dict[str, Any]) -> None:
    before = UserSettings(preferred_model="openai/gpt-4")
    before.model_parameters.top_p = 0.5
    assert plain(applied(before, replacement(Members(body)))) == {
        "preferred_model": body.get("preferred_model"),
        "model_parameters": set_only(body.get("model_parameters") or {}),
    }


@given(bodies, bodies)
def test_an_amendment_merges_member_by_member(first: dict[str, Any], second: dict[str, Any]) -> None:
    before = plain(applied(UserSettings(), replacement(Members(first))))
    after = plain(applied(applied(UserSettings(), replacement(Members(first))), amendment(Members(second))))
    merged = before | second
    if second.get("model_parameters") is not None:
        merged["model_parameters"] = set_only(before["model_parameters"] | second["model_parameters"])
    elif "model_parameters" in second:
        merged["model_parameters"] = {}
    assert after == merged


def test_an_amendment_that_names_nothing_has_no_paths() -> None:
    assert not amendment(Members({})).update_mask.paths
    assert not amendment(Members({"model_parameters": {}})).update_mask.paths


def test_a_parameter_that_is_cleared_is_named_and_has_no_value() -> None:
    change = amendment(Members({"model_parameters": {"temperature": None}}))
    assert list(change.update_mask.paths) == ["model_parameters.temperature"]
    assert not change.settings.model_parameters.HasField("temperature")


def test_a_zero_is_a_value() -> None:
    change = amendment(Members({"model_parameters": {"temperature": 0}}))
    assert change.settings.model_parameters.HasField("temperature")
    assert plain(change.settings)["model_parameters"] == {"temperature": 0.0}
