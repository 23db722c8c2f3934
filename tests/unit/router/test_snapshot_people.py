"""The router's copy of what people have chosen and made, as changes make it."""

from decimal import Decimal

from pantheon.catalog.v1 import parameters_pb2, price_pb2, settings_pb2, use_case_pb2
from pantheon.events.v1.change_pb2 import (
    Change,
    CustomModelRemoved,
    PriceOverrideAdded,
    ProviderKeysChanged,
    SettingsChanged,
    UseCasesChanged,
)
from services.router.catalog import Choice, Chosen, CustomModel
from services.router.parameters import ChosenParameters
from services.router.snapshot import Snapshot
from services.router.wanted import Wants
from services.runtime.money import to_proto
from tests.unit.router.changes import JANUARY, JUNE, custom_model, price, provider, settings, snapshot, wants


def settings_in(copy: Snapshot, user_id: str) -> Chosen:
    return copy.catalog.settings.get(user_id, Chosen())


def test_settings_belong_to_their_user() -> None:
    copy = snapshot(settings("user-1", "gpt-4", temperature=0.0, max_tokens=100))
    assert settings_in(copy, "user-1").preferred_model == "gpt-4"
    assert settings_in(copy, "user-1").parameters == ChosenParameters(temperature=0.0, max_tokens=100)
    assert settings_in(copy, "user-2") == Chosen()


def test_settings_taken_back_are_gone() -> None:
    copy = snapshot(settings("user-1", "gpt-4", temperature=1.0), settings("user-1"))
    assert settings_in(copy, "user-1") == Chosen()


def test_what_is_alike_is_kept_once() -> None:
    copy = snapshot(settings("user-1", "gpt-4", temperature=0.25), settings("user-2", "gpt-4", temperature=0.25))
    one, other = settings_in(copy, "user-1"), settings_in(copy, "user-2")
    assert one.parameters is other.parameters
    assert one.preferred_model is other.preferred_model
    copy.apply(settings("user-1"))
    assert "user-1" not in copy.catalog.settings


def removed_custom_model(id_: str = "m") -> Change:
    return Change(custom_model_removed=CustomModelRemoved(custom_model_id=id_))


def found(copy: Snapshot, scope: str, model_id: str = "custom/mine") -> CustomModel | None:
    return copy.catalog.custom_models.get(scope, {}).get(model_id)


def test_a_custom_model_is_kept_as_it_was_described() -> None:
    parameters = parameters_pb2.ModelParameters(temperature=0.5)
    copy = snapshot(custom_model(parameters=parameters, context_window=8192, prices=[price("own", "1", JANUARY)]))
    kept = found(copy, "user-1")
    assert kept is not None
    assert (kept.id, kept.scope, kept.base_url) == ("m", "user-1", "https://models.example.org/v1")
    assert kept.parameters == ChosenParameters(temperature=0.5)
    assert (kept.provider_hosted, kept.context_window, kept.key_version) == (False, 8192, 0)
    in_force = kept.endpoint.price_at(JUNE)
    assert in_force is not None
    assert in_force.version.id == "own"


def test_a_custom_model_moves_with_its_project_and_its_name() -> None:
    copy = snapshot(custom_model(), custom_model(project_id="project-1", model_id="custom/ours"))
    assert "user-1" not in copy.catalog.custom_models
    assert found(copy, "project-1") is None
    assert found(copy, "project-1", "custom/ours") is not None


def test_a_removed_custom_model_is_gone_and_others_stay() -> None:
    copy = snapshot(custom_model(), custom_model("n", model_id="custom/other"), removed_custom_model())
    assert found(copy, "user-1") is None
    assert found(copy, "user-1", "custom/other") is not None
    copy.apply(removed_custom_model("n"))
    assert copy.catalog.custom_models == {}
    copy.apply(removed_custom_model("n"))


async def test_the_key_of_a_custom_model_is_wanted_when_it_changes_and_when_it_goes() -> None:
    copy = snapshot(custom_model())
    assert (await wants(copy)).custom_models == frozenset()
    for change in (
        custom_model(has_api_key=True, key_version=1),
        custom_model(key_version=2),
        custom_model(has_api_key=True, key_version=3),
        removed_custom_model(),
    ):
        copy.apply(change)
        assert await wants(copy) == Wants(providers=False, custom_models=frozenset({"m"}))


async def test_after_a_new_beginning_all_secrets_are_wanted_and_those_of_what_is_gone() -> None:
    copy = snapshot(custom_model(has_api_key=True, key_version=1))
    await wants(copy)
    copy.reset()
    assert await wants(copy) == Wants(providers=True, custom_models=frozenset({"m"}))


def use_cases(organisation_id: str, **models: str) -> Change:
    choices = [
        use_case_pb2.UseCaseChoice(use_case=use_case_pb2.UseCase.Value(f"USE_CASE_{name}"), model=model)
        for name, model in models.items()
    ]
    return Change(use_cases_changed=UseCasesChanged(organisation_id=organisation_id, choices=choices))


def test_use_cases_belong_to_the_platform_or_an_organisation() -> None:
    copy = snapshot(use_cases("", CODE="openai/gpt-4"), use_cases("organisation-1", CODE="acme/code"))
    code: int = use_case_pb2.USE_CASE_CODE
    assert copy.catalog.use_cases == {"": {code: Choice("openai/gpt-4")}, "organisation-1": {code: Choice("acme/code")}}
    copy.apply(use_cases("organisation-1"))
    assert copy.catalog.use_cases.keys() == {""}


def test_users_choose_for_themselves() -> None:
    choice = use_case_pb2.UseCaseChoice(use_case=use_case_pb2.USE_CASE_FAST, model="acme/fast", provider="openrouter")
    row = settings_pb2.UserSettings(user_id="user-1", use_cases=[choice])
    copy = snapshot(Change(settings_changed=SettingsChanged(settings=row)))
    fast: int = use_case_pb2.USE_CASE_FAST
    assert settings_in(copy, "user-1").use_cases == {fast: Choice("acme/fast", "openrouter")}


def provider_keys(name: str, organisation_id: str, count: int) -> Change:
    event = ProviderKeysChanged(provider=name, organisation_id=organisation_id, count=count)
    return Change(provider_keys_changed=event)


async def test_keys_of_an_organisation_s_own_make_a_provider_usable_for_it_as_long_as_there_are_any() -> None:
    unconfigured = provider()
    unconfigured.provider_changed.provider.configured = False
    copy = snapshot(unconfigured, provider_keys("openai", "organisation-1", 2))
    await wants(copy)
    assert copy.catalog.usable("openai", "organisation-1")
    assert copy.catalog.usable("openai", "organisation-2") is None
    copy.apply(provider_keys("openai", "organisation-1", 0))
    assert copy.catalog.usable("openai", "organisation-1") is None
    assert copy.catalog.own_keys == {}
    assert (await wants(copy)).providers


async def test_keys_of_the_platform_s_are_wanted_when_they_change() -> None:
    copy = snapshot()
    await wants(copy)
    copy.apply(provider_keys("openai", "", 1))
    assert (await wants(copy)).providers
    assert copy.catalog.own_keys == {}


def test_price_overrides_gather_by_organisation_and_each_is_there_once() -> None:
    def override(id_: str, organisation_id: str) -> Change:
        row = price_pb2.PriceOverride(
            id=id_, organisation_id=organisation_id, provider="openai", factor=to_proto(Decimal("0.8"))
        )
        return Change(price_override_added=PriceOverrideAdded(price_override=row))

    changes = (override("a", "organisation-1"), override("b", "organisation-1"), override("c", "organisation-2"))
    copy = snapshot(*changes, changes[0])
    kept = {owner: sorted(one.id for one in found) for owner, found in copy.catalog.overrides.items()}
    assert kept == {"organisation-1": ["a", "b"], "organisation-2": ["c"]}
