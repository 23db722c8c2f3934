"""What lists change: which models they are about, whom is believed, and what is not credible."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pantheon.catalog.v1.model_pb2 import MODALITY_IMAGE, MODALITY_TEXT
from services.catalog.entities import Model, Parameters
from services.catalog.listings.listed import Listed
from services.catalog.sync.differences import FieldDifference, Kind, differences
from services.rating import PriceUnit, UnitPrice
from tests.unit.catalog.sync.catalogs import (
    NOW,
    carried_out,
    endpoint,
    listing,
    model,
    planned,
    prices,
    state,
    synced,
    version,
)

GPT_4 = model(
    "openai/gpt-4",
    endpoint("openai:gpt-4", version(prices("30", "60"))),
    endpoint("openrouter:openai/gpt-4", version(prices("30", "60"))),
    aliases=("gpt-4", "gpt-4-0613"),
    context_window=8_192,
)
ROUTED = tuple(
    model(f"vendor/m-{number}", endpoint(f"openrouter:vendor/m-{number}", version(prices("1", "2"))))
    for number in range(4)
)
CATALOG = state(GPT_4, *ROUTED)


def only(*entries: Listed | str, of: str = "openrouter") -> Model:
    """What the one model becomes that a list changes."""
    (change,) = planned(CATALOG, listing(of, *entries)).changes
    assert change.after is not None
    return change.after


@pytest.mark.parametrize("name", ("gpt-4", "gpt-4-0613"))
def test_any_name_of_a_model_means_it(name: str) -> None:
    assert planned(CATALOG, listing("openai", name)).changes == ()


def test_a_new_name_is_a_new_model_of_the_vendor() -> None:
    made = only("gpt-6", of="openai")
    assert (made.id, [entry.id for entry in made.endpoints], made.aliases) == (
        "openai/gpt-6",
        ["openai:gpt-6"],
        ("gpt-6",),
    )


def test_the_only_snapshot_of_a_new_model_is_the_model_itself() -> None:
    made = only("gpt-6-2026-12-01", "gpt-6", of="openai")
    assert made.endpoints == (endpoint("openai:gpt-6"),)
    assert set(made.aliases) == {"gpt-6", "gpt-6-2026-12-01", "openai/gpt-6-2026-12-01"}
    several = planned(CATALOG, listing("openai", "gpt-6", "gpt-6-2026-12-01", "gpt-6-2027-01-01"))
    assert [change.model_id for change in several.changes] == [
        "openai/gpt-6",
        "openai/gpt-6-2026-12-01",
        "openai/gpt-6-2027-01-01",
    ]


def test_one_new_model_of_two_lists_is_one_whoever_serves_it_first() -> None:
    plan = planned(CATALOG, listing("openrouter", "openai/gpt-6"), listing("openai", "gpt-6"))
    (change,) = plan.changes
    assert change.after is not None
    assert [entry.id for entry in change.after.endpoints] == ["openai:gpt-6", "openrouter:openai/gpt-6"]


def test_who_serves_a_model_itself_comes_before_who_passes_it_on() -> None:
    made = only("vendor/m-1", of="groq")
    assert [entry.provider for entry in made.endpoints] == ["groq", "openrouter"]


@pytest.mark.parametrize(
    ("provider", "served", "model_id"),
    (
        ("groq", "compound", "groq/compound"),
        ("groq", "openai/gpt-4", "openai/gpt-4"),
        ("fireworks", "accounts/fireworks/models/Llama-9", "fireworks/llama-9"),
        ("openrouter", "~vendor/new:beta", "vendor/new"),
    ),
)
def test_ids_are_read_as_each_provider_writes_them(provider: str, served: str, model_id: str) -> None:
    assert only(served, of=provider).id == model_id


@pytest.mark.parametrize("served", ("custom/mine", "auto/fast", "auto", "vendor/with space", "vendor/", "/x", "a/é"))
def test_an_id_that_no_model_may_have_is_passed_over(served: str) -> None:
    assert planned(CATALOG, listing("openrouter", served)).changes == ()


def test_a_name_that_is_taken_or_wanted_by_two_is_nobody_s_alias() -> None:
    plan = planned(CATALOG, listing("openrouter", "other/gpt-4", "a/twin", "b/twin", "c/word"))
    aliases = {change.model_id: change.after.aliases for change in plan.changes if change.after}
    assert aliases == {"other/gpt-4": (), "a/twin": (), "b/twin": (), "c/word": ()}


def test_the_vendor_is_believed_and_others_only_fill_in() -> None:
    said = Listed(id="gpt-4", context_window=9_000, max_output_tokens=4_096, supports_tools=True)
    assert only(said, of="openai") == replace(GPT_4, context_window=9_000, max_output_tokens=4_096, supports_tools=True)
    passed_on = replace(
        said,
        id="openai/gpt-4",
        input_modalities=(MODALITY_TEXT, MODALITY_IMAGE),
        unsupported_parameters=("temperature",),
        default_parameters=Parameters(temperature=1),
    )
    assert only(passed_on) == replace(
        GPT_4, max_output_tokens=4_096, supports_tools=True, input_modalities=(MODALITY_TEXT, MODALITY_IMAGE)
    )


def test_of_what_only_an_aggregator_offers_its_list_is_believed() -> None:
    said = Listed(
        id="vendor/m-0",
        context_window=9_000,
        unsupported_parameters=("top_p",),
        default_parameters=Parameters(temperature=0.6),
        deprecation_time=datetime(2027, 1, 1, tzinfo=UTC),
    )
    changed = only(said)
    assert (changed.context_window, changed.unsupported_parameters) == (9_000, ("top_p",))
    assert (changed.default_parameters, changed.deprecation_time) == (
        Parameters(temperature=0.6),
        said.deprecation_time,
    )


def test_names_people_know_and_kinds_in_another_order_stay() -> None:
    known = model("vendor/m", endpoint("openrouter:vendor/m"), display_name="M", input_modalities=(2, 1))
    said = Listed(id="vendor/m", display_name="Vendor: M", input_modalities=(MODALITY_TEXT, MODALITY_IMAGE))
    assert planned(state(known), listing("openrouter", said)).changes == ()


def test_silence_changes_nothing() -> None:
    rich = replace(
        ROUTED[0], context_window=1, supports_tools=True, deprecation_time=NOW, unsupported_parameters=("top_p",)
    )
    assert planned(state(rich), listing("openrouter", "vendor/m-0")).changes == ()


def test_prices_are_compared_by_what_they_charge() -> None:
    per_thousand = tuple(UnitPrice(entry.unit, entry.price / 1000, 1_000) for entry in prices("1.0", "2.00"))
    assert planned(CATALOG, listing("openrouter", Listed(id="vendor/m-0", unit_prices=per_thousand))).changes == ()


def test_a_unit_the_list_has_no_word_for_keeps_its_price() -> None:
    video = UnitPrice(PriceUnit.PROMPT_VIDEO_TOKEN, Decimal(40), 1_000_000)
    known = model("vendor/m", endpoint("openrouter:vendor/m", version(prices("1", "2", video))))
    (change,) = planned(
        state(known), listing("openrouter", Listed(id="vendor/m", unit_prices=prices("1", "3")))
    ).changes
    assert change.prices[0].unit_prices == prices("1", "3", video)
    (unknown,) = planned(state(known), listing("openrouter", Listed(id="vendor/m", unit_prices=()))).changes
    assert unknown.prices[0].unit_prices == ()


def test_what_is_offered_again_has_its_former_price() -> None:
    offered = Listed(id="vendor/m-0", unit_prices=prices("1", "2"))
    others = (Listed(id=f"vendor/m-{number}") for number in range(1, 4))
    gone = carried_out(
        CATALOG, planned(CATALOG, listing("openrouter", "openai/gpt-4", *others), remove_missing=True), NOW
    )
    assert "vendor/m-0" not in gone.models
    (change,) = planned(gone, listing("openrouter", offered)).changes
    assert change.prices == ()


@pytest.mark.parametrize("remove_missing", (True, False))
def test_a_model_without_any_endpoint_stays(remove_missing: bool) -> None:
    known = state(*ROUTED, model("google/gemini-ultra"))
    assert (
        planned(known, listing("openrouter", *(entry.id for entry in ROUTED)), remove_missing=remove_missing).changes
        == ()
    )


def test_a_fault_is_nobody_else_s() -> None:
    broken = replace(listing("openrouter"), fault="down")
    judged, plan = synced(CATALOG, broken, listing("openai", "gpt-4", "gpt-6"), remove_missing=True)
    assert [entry.fault for entry in judged] == ["down", ""]
    assert [change.model_id for change in plan.changes] == ["openai/gpt-6"]


def test_half_may_be_missing_and_no_more() -> None:
    for listed, believed in ((3, True), (2, False)):
        names = ("openai/gpt-4", *(entry.id for entry in ROUTED))[:listed]
        judged, plan = synced(CATALOG, listing("openrouter", *names), remove_missing=True)
        assert (not judged[0].fault) is believed
        assert bool(plan.changes) is believed


def test_of_few_models_half_may_well_change_their_prices() -> None:
    known = state(*ROUTED[:3])
    free = (Listed(id=entry.id, unit_prices=prices("0", "0")) for entry in ROUTED[:3])
    assert len(planned(known, listing("openrouter", *free)).changes) == 3


def test_a_difference_reads_as_people_expect() -> None:
    tiers = listing(
        "openrouter",
        Listed(id="vendor/m-0", unit_prices=prices("1.50", "2"), context_window=9_000, supports_tools=False),
        "vendor/m-1",
        "vendor/m-2",
        "openai/gpt-4",
    )
    plan = planned(CATALOG, tiers, remove_missing=True)
    changed, removed = differences(plan, NOW)
    assert (changed.model_id, changed.kind) == ("vendor/m-0", Kind.CHANGED)
    assert changed.fields == (
        FieldDifference("context_window", "", "9000"),
        FieldDifference("supports_tools", "", "false"),
        FieldDifference("openrouter:vendor/m-0 prompt_token", "1", "1.5"),
    )
    assert (removed.model_id, removed.kind) == ("vendor/m-3", Kind.REMOVED)
    assert removed.fields == (
        FieldDifference("endpoints", "openrouter:vendor/m-3", ""),
        FieldDifference("openrouter:vendor/m-3 prompt_token", "1", ""),
        FieldDifference("openrouter:vendor/m-3 completion_token", "2", ""),
    )


def test_the_digest_tells_any_other_plan() -> None:
    said = [
        Listed(id="vendor/m-0", context_window=1),
        Listed(id="vendor/m-0", context_window=2),
        Listed(id="vendor/m-0", unit_prices=prices("1", "3")),
        Listed(id="vendor/m-9"),
        Listed(id="vendor/m-9", context_window=1),
    ]
    digests = [planned(CATALOG, listing("openrouter", entry)).digest for entry in said]
    assert len(set(digests)) == len(said)
    assert digests == [planned(CATALOG, listing("openrouter", entry)).digest for entry in said]
