"""The router's copy of the catalog's providers, models and prices, as changes make it."""

from typing import Any

import pytest

from pantheon.catalog.v1 import model_pb2, parameters_pb2, provider_pb2
from pantheon.events.v1.change_pb2 import Change, ModelChanged, ModelRemoved
from services.rating import Tokens
from services.router.chat import Format
from services.router.wanted import Wants
from services.router.wire.base import Dialect
from services.router.wire.openai_chat import OpenAIChat
from services.router.wire.openai_responses import OpenAIResponses
from tests.unit.router.changes import JANUARY, JUNE, model, price, provider, settings, snapshot, wants


def test_a_model_is_found_by_name_and_alias() -> None:
    catalog = snapshot(model("openai/gpt-4", "gpt-4", "gpt4")).catalog
    assert catalog.find("openai/gpt-4") is catalog.find("gpt-4") is catalog.find("gpt4") is not None
    assert catalog.find("gpt-5") is None


def test_a_changed_model_replaces_the_one_before_with_its_aliases() -> None:
    catalog = snapshot(model("openai/gpt-4", "gpt-4", "old"), model("openai/gpt-4", "gpt-4", "new")).catalog
    assert catalog.find("old") is None
    assert catalog.find("new") is catalog.find("gpt-4") is not None


def test_a_removed_model_takes_its_aliases_along_and_nobody_else_s() -> None:
    removed = Change(model_removed=ModelRemoved(model_id="openai/gpt-4"))
    catalog = snapshot(model("openai/gpt-4", "gpt-4"), model("openai/gpt-5", "gpt-5"), removed).catalog
    assert catalog.find("openai/gpt-4") is catalog.find("gpt-4") is None
    assert catalog.find("gpt-5") is not None


def test_an_alias_that_another_model_has_taken_over_stays_with_it() -> None:
    removed = Change(model_removed=ModelRemoved(model_id="openai/gpt-4"))
    catalog = snapshot(model("openai/gpt-4", "best"), model("openai/gpt-5", "best"), removed).catalog
    found = catalog.find("best")
    assert found is not None
    assert found.id == "openai/gpt-5"


def test_removing_what_is_not_there_changes_nothing() -> None:
    catalog = snapshot(model(), Change(model_removed=ModelRemoved(model_id="gone"))).catalog
    assert catalog.find("openai/gpt-4") is not None


def test_readers_of_before_see_no_change() -> None:
    copy = snapshot(model("openai/gpt-4", prices=(price("old", "1", JANUARY),)))
    before = copy.catalog.find("openai/gpt-4")
    copy.apply(model("openai/gpt-4"))
    assert before is not None
    assert before.endpoints[0].prices


def test_resetting_forgets_everything() -> None:
    copy = snapshot(model(), provider(), settings("user-1", "gpt-4"))
    before = copy.catalog
    copy.reset()
    assert not copy.catalog.models
    assert not copy.catalog.providers
    assert not copy.catalog.settings
    assert before.models, "who took the catalog before still has it whole"


def test_the_price_in_force_is_chosen_by_date() -> None:
    prices = (price("june", "2", JUNE), price("january", "1", JANUARY))
    (endpoint,) = snapshot(model(prices=prices)).catalog.models["openai/gpt-4"].endpoints
    assert [found.version.id for day in (JANUARY, JUNE) if (found := endpoint.price_at(day))] == ["january", "june"]


def test_of_two_prices_from_one_day_the_one_recorded_last_holds() -> None:
    prices = (price("corrected", "2", JANUARY, recorded=JUNE), price("first", "1", JANUARY))
    (endpoint,) = snapshot(model(prices=prices)).catalog.models["openai/gpt-4"].endpoints
    found = endpoint.price_at(JUNE)
    assert found is not None
    assert found.version.id == "corrected"
    rating = found.rate(Tokens(prompt_tokens=1_000_000, completion_tokens=0))
    assert rating is not None
    assert rating.amount == 2


def test_a_provider_tells_where_it_is_and_how_it_is_spoken_to() -> None:
    names = ("streams_usage_unasked", "renames_max_tokens", "aggregates_vendors", "wants_reasoning_back")
    flags = provider_pb2.ProviderFlags(**dict.fromkeys(names, True))
    found = snapshot(provider(flags=flags, sandbox=True)).catalog.providers["openai"]
    assert isinstance(found.wires[Format.CHAT], OpenAIChat)
    assert (found.key_header, found.key_prefix) == ("authorization", "Bearer ")
    assert found.dialect == Dialect(
        streams_usage_unasked=True, renames_max_tokens=True, takes_extensions=True, wants_reasoning_back=True
    )
    assert (found.base_url, found.aggregates_vendors, found.sandbox) == ("https://api.openai.com/v1", True, True)


def test_only_a_provider_that_serves_responses_gets_them_untranslated() -> None:
    plain = snapshot(provider()).catalog.providers["openai"]
    assert isinstance(plain.wires[Format.RESPONSES], OpenAIChat)
    flags = provider_pb2.ProviderFlags(serves_responses=True)
    serving = snapshot(provider(flags=flags)).catalog.providers["openai"]
    assert isinstance(serving.wires[Format.RESPONSES], OpenAIResponses)
    assert isinstance(serving.wires[Format.CHAT], OpenAIChat)


@pytest.mark.parametrize(
    ("style", "header", "prefix"),
    (
        (provider_pb2.AUTH_STYLE_BEARER, "authorization", "Bearer "),
        (provider_pb2.AUTH_STYLE_X_API_KEY, "x-api-key", ""),
        (provider_pb2.AUTH_STYLE_X_GOOG_API_KEY, "x-goog-api-key", ""),
        (provider_pb2.AUTH_STYLE_API_KEY, "api-key", ""),
        (provider_pb2.AUTH_STYLE_NONE, "", ""),
    ),
)
def test_each_provider_is_shown_its_key_in_its_own_way(style: provider_pb2.AuthStyle, header: str, prefix: str) -> None:
    found = snapshot(provider(auth_style=style)).catalog.providers["openai"]
    assert (found.key_header, found.key_prefix) == (header, prefix)


@pytest.mark.parametrize(
    ("fields", "usable"),
    (
        ({}, True),
        ({"wire_format": provider_pb2.WIRE_FORMAT_GEMINI}, True),
        ({"wire_format": 99}, False),
        ({"auth_style": 99}, False),
    ),
)
def test_a_provider_spoken_to_in_an_unknown_way_is_not_usable(fields: dict[str, Any], usable: bool) -> None:
    catalog = snapshot(provider(**fields)).catalog
    assert (catalog.usable("openai", "organisation-1") is not None) is usable
    assert catalog.usable("nobody", "organisation-1") is None


def test_a_provider_that_is_not_configured_any_more_is_not_usable() -> None:
    gone = provider()
    gone.provider_changed.provider.configured = False
    assert snapshot(provider(), gone).catalog.usable("openai", "organisation-1") is None


async def test_a_changed_provider_may_have_other_keys() -> None:
    copy = snapshot(model())
    await copy.wanted.take()
    copy.apply(provider())
    assert await wants(copy) == Wants(providers=True, custom_models=frozenset())


def test_a_change_that_is_not_the_catalog_s_is_let_be() -> None:
    copy = snapshot(Change())
    assert not copy.catalog.models


def test_a_provider_of_the_responses_format_alone_serves_nothing_else() -> None:
    known = snapshot(provider(wire_format=provider_pb2.WIRE_FORMAT_OPENAI_RESPONSES)).catalog.providers["openai"]
    assert known.wires.keys() == {Format.RESPONSES}


def test_a_model_s_facts_are_kept_and_what_is_unknown_stays_so() -> None:
    row = model_pb2.Model(
        id="openai/o3",
        context_window=200_000,
        input_modalities=[model_pb2.MODALITY_TEXT, model_pb2.MODALITY_IMAGE],
        successor_id="openai/o4",
        parameters=[
            parameters_pb2.ParameterSpec(name="temperature", supported=False, maximum=2, default_value=1),
            parameters_pb2.ParameterSpec(
                name="max_tokens", supported=True, minimum=1, maximum=100_000, default_value=2_000, integer=True
            ),
        ],
    )
    copy = snapshot(Change(model_changed=ModelChanged(model=row)), model("openai/gpt-4"))
    known, unknown = copy.catalog.models["openai/o3"], copy.catalog.models["openai/gpt-4"]
    assert (known.context_window, known.takes_pictures, known.successor_id) == (200_000, True, "openai/o4")
    assert [(one.name, one.supported, one.range.allowed, bytes(one.default)) for one in known.parameters] == [
        ("temperature", False, "0 to 2", b"1.0"),
        ("max_tokens", True, "1 to 100000, a whole number", b"2000"),
    ]
    assert (unknown.context_window, unknown.takes_pictures, unknown.parameters) == (None, None, ())
