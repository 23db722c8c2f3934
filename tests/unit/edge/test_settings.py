import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.catalog.v1.use_case_pb2 import UseCase
from services.edge.rest.bodies import parse_object
from services.edge.rest.custom_model_bodies import custom_model_body
from services.edge.rest.members import Members
from services.edge.rest.read_only import check_unchanged
from services.edge.rest.settings_bodies import amendment, replacement, settings_body
from services.runtime.errors import InvalidField

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
choice = st.text(min_size=1) | st.fixed_dictionaries({"model": st.text(min_size=1), "provider": st.text(min_size=1)})
choices = st.dictionaries(st.sampled_from(["general", "code", "fast", "vision", "long-context"]), st.none() | choice)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "preferred_model": st.none() | st.text(min_size=1),
        "model_parameters": st.none() | parameters,
        "use_cases": st.none() | choices,
    },
)


def applied(kept: UserSettings, change: Any) -> UserSettings:
    """What the mask makes of settings; unlike in the contract, here no path means no change."""
    outcome = deepcopy(kept)
    plain, single = FieldMask(), set[str]()
    for path in change.update_mask.paths:
        area, _, rest = path.partition(".")
        if area == "use_cases" and rest:
            single.add(f"USE_CASE_{rest.upper()}")
        else:
            plain.paths.append(path)
    if "use_cases" in plain.paths:
        del outcome.use_cases[:]
    plain.MergeMessage(change.settings, outcome, replace_message_field=True)
    if single:
        chosen = [one for one in outcome.use_cases if UseCase.Name(one.use_case) not in single]
        chosen += [one for one in change.settings.use_cases if UseCase.Name(one.use_case) in single]
        del outcome.use_cases[:]
        outcome.use_cases.extend(chosen)
    return outcome


def plain(message: Message) -> dict[str, Any]:
    assert isinstance(message, UserSettings)
    shown: dict[str, Any] = msgspec.to_builtins(settings_body(message, []))
    assert (shown.pop("user_id"), shown.pop("custom_models")) == ("", [])
    return shown


def set_only(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


@given(bodies)
def test_a_replacement_keeps_nothing_of_what_was(body: dict[str, Any]) -> None:
    before = UserSettings(preferred_model="openai/gpt-4")
    before.model_parameters.top_p = 0.5
    assert plain(applied(before, replacement(Members(body)))) == {
        "preferred_model": body.get("preferred_model"),
        "model_parameters": set_only(body.get("model_parameters") or {}),
        "use_cases": set_only(body.get("use_cases") or {}),
    }


@given(bodies, bodies)
def test_an_amendment_merges_member_by_member(first: dict[str, Any], second: dict[str, Any]) -> None:
    before = plain(applied(UserSettings(), replacement(Members(first))))
    after = plain(applied(applied(UserSettings(), replacement(Members(first))), amendment(Members(second))))
    merged = before | second
    for area in ("model_parameters", "use_cases"):
        if second.get(area) is not None:
            merged[area] = set_only(before[area] | second[area])
        elif area in second:
            merged[area] = {}
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


def test_a_use_case_is_written_by_its_contract_s_name() -> None:
    change = amendment(Members({"use_cases": {"long-context": "custom/mine", "code": None}}))
    assert list(change.update_mask.paths) == ["use_cases.code", "use_cases.long_context"]
    assert [(choice.use_case, choice.model) for choice in change.settings.use_cases] == [
        (UseCase.USE_CASE_LONG_CONTEXT, "custom/mine")
    ]


@pytest.mark.parametrize(
    ("choices", "field"),
    (
        ({"coding": "openai/gpt-4"}, "use_cases.coding"),
        ({"code": ""}, "use_cases.code"),
        ({"code": 4}, "use_cases.code"),
        ({"code": {"provider": "openai"}}, "use_cases.code.model"),
        ({"code": {"model": "openai/gpt-4", "level": "user"}}, "use_cases.code.level"),
    ),
)
def test_a_bad_choice_is_refused_by_its_path(choices: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        replacement(Members({"use_cases": choices}))
    assert refused.value.metadata["field"] == field


def test_what_can_t_be_set_may_be_said_as_it_is() -> None:
    model = CustomModel(id="1", model_id="custom/mine", parameters=ModelParameters(top_p=0.9, temperature=1.0))
    model.cost_per_1k_tokens.input.value = "0.0100"
    model.cost_per_1k_tokens.output.value = "0.123456789012345678901"
    shown = settings_body(UserSettings(user_id="ada"), [custom_model_body(model)])
    sent = parse_object(msgspec.json.encode(shown))
    check_unchanged(sent, ("user_id", "custom_models"), shown)
    check_unchanged(Members({"user_id": None}), ("user_id", "custom_models"), shown)
    # As a client sends it that reads numbers as doubles.
    doubles = json.loads(msgspec.json.encode(shown))
    check_unchanged(parse_object(json.dumps(doubles).encode()), ("user_id", "custom_models"), shown)
    doubles["custom_models"][0]["name"] = "Another"
    wrong: list[dict[str, Any]] = [{"user_id": "eve"}, {"custom_models": []}, doubles]
    for body in wrong:
        with pytest.raises(InvalidField, match="it can't be set here"):
            check_unchanged(Members(body), ("user_id", "custom_models"), shown)


def test_what_can_t_be_set_is_compared_no_further_than_it_is_alike() -> None:
    deep = b'{"user_id":%b}' % (500 * b"[" + 500 * b"]")
    with pytest.raises(InvalidField, match=r"^user_id: .*it can't be set here"):
        check_unchanged(parse_object(deep), ("user_id",), settings_body(UserSettings(user_id="ada"), None))
