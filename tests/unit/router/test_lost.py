"""What an attempt that a crash left open is rated at."""

from decimal import Decimal

from pantheon.catalog.v1 import price_pb2
from pantheon.events.v1.change_pb2 import Change, CustomModelRemoved, ModelRemoved, PriceOverrideAdded
from pantheon.events.v1.completion_pb2 import CompletionFinished, CompletionStarted
from pantheon.usage.v1.ledger_pb2 import Attribution, Target
from pantheon.usage.v1.measure_pb2 import TokenUsage
from services.router.lost import rate_lost
from services.router.snapshot import Snapshot
from services.runtime.money import to_proto
from tests.unit.router.changes import JANUARY, JUNE, custom_model, model, price, snapshot

ATTRIBUTION = Attribution(organisation_id="organisation-1", project_id="project-1", user_id="user-1")
MODEL = model(prices=(price("old", "5", JANUARY), price("new", "7", JUNE)))
CUSTOM = custom_model(prices=[price("first", "3", JANUARY), price("second", "4", JUNE)])


def cost(
    copy: Snapshot, version: str, override: str = "", model: str = "openai/gpt-4", provider: str = "openai"
) -> object:
    """What a million prompt tokens come to; None: unknown."""
    started = CompletionStarted(
        attribution=ATTRIBUTION,
        target=Target(model=model, provider=provider, provider_model_id="gpt-4"),
        price_version_id=version,
        price_override_id=override,
    )
    finished = CompletionFinished(started=started, tokens=TokenUsage(prompt_tokens=1_000_000, completion_tokens=0))
    rate_lost(copy)(finished)
    assert (finished.cost.price_version_id, finished.cost.price_override_id) == (version, override)
    return Decimal(finished.cost.amount.value) if finished.cost.HasField("amount") else None


def test_it_is_the_price_it_began_under_whichever_holds_now() -> None:
    copy = snapshot(MODEL)
    assert (cost(copy, "old"), cost(copy, "new")) == (5, 7)


def test_what_is_not_known_any_more_or_never_was_stays_unknown() -> None:
    copy = snapshot(MODEL)
    assert cost(copy, "gone") is None
    assert cost(copy, "") is None
    assert cost(copy, "old", provider="openrouter") is None


def test_the_price_of_a_model_that_was_removed_since_is_still_known() -> None:
    assert cost(snapshot(MODEL, Change(model_removed=ModelRemoved(model_id="openai/gpt-4"))), "old") == 5


def test_a_custom_model_s_prices_are_found_by_whose_it_is() -> None:
    shared = custom_model("n", project_id="project-1", prices=[price("shared", "9", JANUARY)])
    copy = snapshot(CUSTOM, shared)
    found = [cost(copy, version, model="custom/mine") for version in ("first", "second", "shared")]
    assert found == [3, 4, 9]
    assert (
        cost(snapshot(custom_model(user_id="user-2", prices=[price("x", "1", JANUARY)])), "x", "", "custom/mine")
        is None
    )


def test_so_are_those_of_one_that_was_removed_since() -> None:
    removed = Change(custom_model_removed=CustomModelRemoved(custom_model_id="m"))
    assert cost(snapshot(CUSTOM, removed), "first", model="custom/mine") == 3


def test_so_is_a_list_price_that_it_was_billed_at() -> None:
    assert cost(snapshot(MODEL), "old", model="custom/gone") == 5


def override(id_: str, **fields: object) -> Change:
    row = price_pb2.PriceOverride(id=id_, organisation_id="organisation-1", provider="openai", **fields)  # type: ignore[arg-type]
    return Change(price_override_added=PriceOverrideAdded(price_override=row))


def test_an_override_it_began_under_is_found_again() -> None:
    unit_prices = [
        price_pb2.UnitPrice(unit=unit, price=to_proto(Decimal(2)), per=1_000_000)
        for unit in (price_pb2.PRICE_UNIT_PROMPT_TOKEN, price_pb2.PRICE_UNIT_COMPLETION_TOKEN)
    ]
    contract = override("contract", endpoint_id="openai:gpt-4", unit_prices=unit_prices)
    copy = snapshot(MODEL, override("discount", factor=to_proto(Decimal("0.8"))), contract)
    assert cost(copy, "old", "discount") == 4
    assert cost(copy, "contract", "contract") == 2
    assert cost(copy, "gone", "discount") is None
    assert cost(copy, "old", "gone") is None
