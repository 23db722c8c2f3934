"""What an organisation can use and pays that others do not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from services.rating import PriceOverride, PriceUnit, Tokens, UnitPrice
from services.router.catalog import Catalog, Endpoint
from services.router.plan import Candidate
from services.runtime.errors import ModelNotFound, NoEndpoint
from tests.unit.router.calls import (
    PRINCIPAL,
    catalog,
    endpoint,
    model,
    override,
    planned,
    price,
    provider,
    request,
)

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
GPT_4 = model("openai/gpt-4", endpoint("openai", "gpt-4", price()), Endpoint("azure", "gpt-4"))
CATALOG = catalog((provider("openai"), provider("azure", configured=False)), (GPT_4,))
TOKENS = Tokens(prompt_tokens=1_000_000, completion_tokens=0)
OWN_PRICE = (UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(3), 1_000_000),)


def where(asked: str, known: Catalog) -> list[str]:
    return [one.provider.name for one in planned(request(asked), known).candidates]


def with_keys(*providers: str, organisation: str = PRINCIPAL.organisation_id) -> Catalog:
    return replace(CATALOG, own_keys={organisation: frozenset(providers)})


def test_a_provider_is_usable_for_an_organisation_with_keys_of_its_own_and_for_no_other() -> None:
    assert where("openai/gpt-4", CATALOG) == ["openai"]
    assert where("openai/gpt-4", with_keys("azure")) == ["openai", "azure"]
    assert where("openai/gpt-4", with_keys("azure", organisation="organisation-2")) == ["openai"]


def test_so_it_is_for_models_that_are_not_listed() -> None:
    assert where("azure/new", with_keys("azure")) == ["azure"]
    with pytest.raises(NoEndpoint):
        where("azure/new", CATALOG)
    with pytest.raises(ModelNotFound):
        where("nobody/new", with_keys("nobody"))


def test_a_provider_that_is_nowhere_is_not_usable_even_with_keys() -> None:
    nowhere = replace(provider("azure", configured=False), base_url="")
    known = replace(with_keys("azure"), providers={**CATALOG.providers, "azure": nowhere})
    assert where("openai/gpt-4", known) == ["openai"]


def test_what_an_organisation_is_offered_is_what_it_can_use() -> None:
    only = model("azure/only", Endpoint("azure", "only"))
    known = replace(with_keys("azure"), models={"azure/only": only})
    assert known.offered(PRINCIPAL) == [only]
    assert replace(known, own_keys={}).offered(PRINCIPAL) == []


def candidate(*overrides: PriceOverride, organisation: str = PRINCIPAL.organisation_id) -> Candidate:
    return planned(request("openai/gpt-4"), replace(CATALOG, overrides={organisation: overrides})).candidates[0]


def paid(found: Candidate, when: datetime = JUNE) -> tuple[str, str, object]:
    compiled = found.price_at(when)
    assert compiled is not None
    rating = compiled.rate(TOKENS)
    assert rating is not None
    return compiled.version.id, compiled.override_id, rating.amount


def test_without_an_override_the_list_price_is_paid() -> None:
    assert paid(candidate()) == ("price-1", "", 10)
    assert paid(candidate(override("theirs"), organisation="organisation-2")) == ("price-1", "", 10)
    assert paid(candidate(override("elsewhere", provider="azure"))) == ("price-1", "", 10)


def test_a_discount_is_on_the_list_price_and_both_are_named() -> None:
    assert paid(candidate(override("discount"))) == ("price-1", "discount", 8)


def test_a_price_of_the_organisation_s_own_is_named_as_the_version_too() -> None:
    contract = override("contract", endpoint_id="openai:gpt-4", unit_prices=OWN_PRICE)
    assert paid(candidate(override("discount"), contract)) == ("contract", "contract", 3)


def test_the_override_in_force_is_chosen_by_the_time_of_the_start() -> None:
    found = candidate(override("discount"), override("ends", factor=Decimal(1), effective=JUNE))
    assert paid(found, JUNE - timedelta(days=1)) == ("price-1", "discount", 8)
    assert paid(found, JUNE) == ("price-1", "ends", 10)


def test_an_unpriced_endpoint_can_have_a_price_of_the_organisation_s_own() -> None:
    contract = override("contract", endpoint_id="openai:new", unit_prices=OWN_PRICE)
    known = replace(CATALOG, overrides={PRINCIPAL.organisation_id: (contract, override("discount"))})
    (found,) = planned(request("openai/new"), known).candidates
    assert paid(found) == ("contract", "contract", 3)
    known = replace(CATALOG, overrides={PRINCIPAL.organisation_id: (override("discount"),)})
    (found,) = planned(request("openai/new"), known).candidates
    assert found.price_at(JUNE) is None


def test_a_price_that_is_withdrawn_leaves_an_endpoint_unpriced() -> None:
    withdrawn = replace(price("withdrawn").version, unit_prices=(), effective=JUNE)
    dated = endpoint("openai", "gpt-4", price("first"), type(price())(withdrawn))
    first = dated.price_at(JUNE - timedelta(days=1))
    assert first is not None
    assert first.version.id == "first"
    assert dated.price_at(JUNE) is None
