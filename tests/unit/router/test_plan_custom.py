"""Where a user's own model is sent, and with what."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from services.parameters import specs
from services.router.catalog import NOTHING_CHOSEN, Catalog, Chosen, CustomModel, Endpoint, Key
from services.router.chat import Format
from services.router.parameters import ChosenParameters, parameters_of
from services.router.plan import plan_custom
from services.runtime.errors import ContextTooLong, InvalidField, ModelNotFound, NoEndpoint, UnsupportedFeature
from tests.unit.router.calls import (
    PAST,
    PRINCIPAL,
    WIRE,
    catalog,
    endpoint,
    model,
    override,
    planned,
    price,
    provider,
    request,
)

OPENAI, OTHER = provider("openai"), provider("other", configured=False)
GPT_4 = model("openai/gpt-4", Endpoint("openai", "gpt-4"), most=4096, context_window=8192, takes_pictures=True)


def custom(scope: str = "user-1", name: str = "custom/mine", *, hosted: bool = True, **fields: Any) -> CustomModel:
    fields.setdefault("endpoint", endpoint("openai", "gpt-4", price("own-price")))
    where = "https://openai.example/v1" if hosted else "https://models.example.org/v1"
    return CustomModel(f"id of {scope} {name}", name, scope, base_url=where, provider_hosted=hosted, **fields)


def known(*models: CustomModel, base: Catalog | None = None) -> Catalog:
    scopes: dict[str, dict[str, CustomModel]] = {}
    for one in models:
        scopes.setdefault(one.scope, {})[one.model_id] = one
    return replace(base or catalog((OPENAI, OTHER), (GPT_4,)), custom_models=scopes)


def test_it_is_billed_under_its_own_name_at_its_own_price() -> None:
    plan = planned(request("custom/mine"), known(custom()))
    (candidate,) = plan.candidates
    assert plan.model == "custom/mine"
    assert (candidate.provider, candidate.endpoint.provider_model_id, candidate.wire) == (OPENAI, "gpt-4", WIRE)
    found = candidate.price_at(PAST)
    assert found is not None
    assert found.version.id == "own-price"


def test_the_caller_s_own_is_found_before_one_shared_in_the_project() -> None:
    own, shared = custom("user-1"), custom("project-1")
    assert planned(request("custom/mine"), known(own, shared)).candidates[0].custom is own
    assert planned(request("custom/mine"), known(shared)).candidates[0].custom is shared


@pytest.mark.parametrize("scope", ("user-2", "project-2", "organisation-1", ""))
def test_what_is_somebody_else_s_is_not_found(scope: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        planned(request("custom/mine"), known(custom(scope)))
    assert caught.value.metadata == {"model": "custom/mine"}


def test_no_provider_s_models_are_called_custom() -> None:
    with pytest.raises(ModelNotFound):
        planned(request("custom/gpt-4"), catalog((provider("custom"), provider("openrouter", aggregates=True))))


def test_one_that_its_provider_hosts_goes_wherever_the_operator_has_it_and_is_trusted() -> None:
    moved = replace(OPENAI, base_url="http://127.0.0.1:8099/openai/v1", sandbox=True)
    (candidate,) = planned(request("custom/mine"), known(custom(), base=catalog((moved,)))).candidates
    assert candidate.provider is moved
    assert not candidate.is_guarded


def test_one_elsewhere_goes_where_the_user_says_guarded_and_is_no_sandbox() -> None:
    simulated = replace(OPENAI, sandbox=True, configured=False)
    (candidate,) = planned(request("custom/mine"), known(custom(hosted=False), base=catalog((simulated,)))).candidates
    assert candidate.is_guarded
    assert candidate.provider == replace(simulated, base_url="https://models.example.org/v1", sandbox=False)


def test_one_elsewhere_is_asked_for_chat_completions_whatever_its_provider_serves() -> None:
    native: Any = object()
    serving = replace(OPENAI, wires={**OPENAI.wires, Format.RESPONSES: native})
    asked = replace(request("custom/mine"), format=Format.RESPONSES)
    here = planned(asked, known(custom(), base=catalog((serving,)))).candidates[0]
    elsewhere = planned(asked, known(custom(hosted=False), base=catalog((serving,)))).candidates[0]
    assert (here.wire, elsewhere.wire) == (native, WIRE)


def test_a_provider_that_is_not_configured_needs_a_key_of_the_model_or_of_the_organisation() -> None:
    hosted = custom(endpoint=Endpoint("other", "m"))
    with pytest.raises(NoEndpoint) as caught:
        planned(request("custom/mine"), known(hosted))
    assert caught.value.metadata == {"model": "custom/mine"}
    assert planned(request("custom/mine"), known(replace(hosted, key_version=1))).candidates
    with_keys = replace(known(hosted), own_keys={"organisation-1": frozenset({"other"})})
    assert planned(request("custom/mine"), with_keys).candidates


def test_without_its_provider_it_can_t_be_reached() -> None:
    for hosted in (True, False):
        with pytest.raises(NoEndpoint):
            planned(request("custom/mine"), known(custom(hosted=hosted), base=catalog((provider("acme"),))))


def test_a_format_its_provider_does_not_serve_is_refused() -> None:
    with pytest.raises(UnsupportedFeature):
        planned(replace(request("custom/mine"), format=Format.EMBEDDINGS), known(custom()))


def test_the_request_s_own_choice_of_providers_holds() -> None:
    with pytest.raises(NoEndpoint):
        planned(replace(request("custom/mine"), providers=("openrouter",)), known(custom()))
    assert planned(replace(request("custom/mine"), providers=("openai",)), known(custom())).candidates


def filled(asked: Any, one: CustomModel, settings: Chosen = NOTHING_CHOSEN, base: Catalog | None = None) -> Any:
    fill = planned(asked, known(one, base=base), settings).fill
    return {name: msgspec.json.decode(value) for name, value in fill.items()}


def test_parameters_are_the_request_s_then_the_user_s_then_the_model_s_own() -> None:
    one = custom(parameters=ChosenParameters(temperature=0.1, top_p=0.2, max_tokens=100))
    settings = Chosen(parameters=ChosenParameters(temperature=1.1))
    assert filled(request("custom/mine", max_tokens=5), one, settings) == {"temperature": 1.1, "top_p": 0.2}
    defaults = filled(replace(request("custom/mine"), apply_defaults=True), one, settings)
    assert (defaults["temperature"], defaults["max_tokens"], defaults["presence_penalty"]) == (1.1, 100, 0.0)


def test_what_the_model_beneath_does_not_take_is_not_sent_and_its_maximum_holds() -> None:
    reasoner = replace(GPT_4, parameters=parameters_of(specs(4096, unsupported=("temperature",))))
    base = catalog((OPENAI,), (reasoner,))
    one = custom(parameters=ChosenParameters(temperature=0.1, top_p=0.2))
    assert filled(request("custom/mine"), one, base=base) == {"top_p": 0.2}
    assert filled(request("custom/mine", temperature=0.3), one, base=base) == {"top_p": 0.2}
    with pytest.raises(InvalidField, match="1 to 4096"):
        filled(request("custom/mine", max_tokens=5000), one, base=base)
    assert filled(request("custom/mine", max_tokens=5000), custom(hosted=False), base=base) == {}


def test_its_context_window_is_its_own_or_that_of_the_model_beneath() -> None:
    asked = request("custom/mine", messages=[{"role": "user", "content": 80_000 * "x"}])
    for one, window in ((custom(), 8192), (custom(context_window=500), 500)):
        with pytest.raises(ContextTooLong) as caught:
            planned(asked, known(one))
        assert caught.value.metadata["window"] == str(window)
        assert caught.value.metadata["model"] == "custom/mine"
    assert planned(asked, known(custom(context_window=100_000))).candidates
    assert planned(asked, known(custom(hosted=False))).candidates


def test_an_organisation_s_discount_is_on_list_prices_only() -> None:
    base = replace(catalog((OPENAI,)), overrides={PRINCIPAL.organisation_id: (override("discount"),)})
    (candidate,) = planned(request("custom/mine"), known(custom(), base=base)).candidates
    assert candidate.overrides == ()


def test_one_that_is_not_kept_is_planned_with_the_key_it_is_given() -> None:
    key = Key("secret", origin="https://models.example.org:443")
    plan = plan_custom(request("custom/mine"), custom(hosted=False), known(), PRINCIPAL, key)
    assert plan.candidates[0].key is key
    assert "secret" not in repr(plan)
    unconfigured = custom(endpoint=Endpoint("other", "m"))
    assert plan_custom(request("custom/mine"), unconfigured, known(), PRINCIPAL, key).candidates


def test_a_caller_is_offered_the_own_and_the_shared_models_beside_the_catalog_s() -> None:
    everything = known(custom(), custom("project-1"), custom("project-1", "custom/ours"), custom("user-2", "custom/x"))
    assert [one.id for one in everything.offered(PRINCIPAL)] == ["openai/gpt-4", "custom/mine", "custom/ours"]
    named = everything.named("custom/ours", PRINCIPAL)
    assert named is not None
    assert named.id == "custom/ours"
    assert everything.named("custom/x", PRINCIPAL) is None


LISTED = model("openai/gpt-4", endpoint("openai", "gpt-4", price("list-price")))


def price_id(base: Catalog, **fields: Any) -> str:
    (candidate,) = planned(request("custom/mine"), known(custom(**fields), base=base)).candidates
    found = candidate.price_at(PAST)
    assert found is not None
    return found.version.id


def test_what_the_provider_s_keys_pay_for_costs_what_the_catalog_knows_it_costs() -> None:
    assert price_id(catalog((OPENAI,), (LISTED,))) == "list-price"


def test_an_organisation_s_override_holds_for_it_too() -> None:
    base = replace(catalog((OPENAI,), (LISTED,)), overrides={PRINCIPAL.organisation_id: (override("discount"),)})
    (candidate,) = planned(request("custom/mine"), known(custom(), base=base)).candidates
    found = candidate.price_at(PAST)
    assert found is not None
    assert found.override_id == "discount"


def test_what_its_own_key_pays_for_costs_what_its_owner_says() -> None:
    assert price_id(catalog((OPENAI,), (LISTED,)), key_version=1) == "own-price"


def test_where_the_provider_has_moved_to_its_own_key_does_not_go_and_pays_nothing() -> None:
    moved = replace(OPENAI, base_url="https://proxy.example.org/v1")
    assert price_id(catalog((moved,), (LISTED,)), key_version=1) == "list-price"


def test_what_the_catalog_has_no_price_of_costs_what_its_owner_says() -> None:
    assert price_id(catalog((OPENAI,), (GPT_4,))) == "own-price"


def test_a_server_without_keys_that_is_not_configured_is_not_reached_by_a_model_with_a_key() -> None:
    keyless = replace(provider("openai", configured=False), key_header="")
    with pytest.raises(NoEndpoint):
        planned(request("custom/mine"), known(custom(key_version=1), base=catalog((keyless,))))
