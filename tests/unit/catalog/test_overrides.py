"""What organisations may pay instead, and who may say so."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN
from pantheon.catalog.v1 import price_pb2
from services.catalog.overrides import Target, asked_override, check_target, organisation
from services.rating import PriceOverride, PriceUnit, UnitPrice
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.errors import AccessDenied, InvalidField

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OURS, OTHERS = str(uuid4()), str(uuid4())
DISCOUNT = ProtoDecimal(value="0.8")
OWN = price_pb2.UnitPrice(unit=price_pb2.PRICE_UNIT_PROMPT_TOKEN, price=ProtoDecimal(value="1"), per=1_000_000)


def caller(role: int = ROLE_ORGANISATION_ADMIN) -> Principal:
    return Principal(str(uuid4()), OURS, str(uuid4()), "", role, ALL_SCOPES)


def asked(**fields: Any) -> PriceOverride:
    given = price_pb2.PriceOverride(provider="openai", **fields)
    return asked_override(given, OURS, NOW, lambda: "id")


def refused(**fields: Any) -> tuple[str, str]:
    with pytest.raises(InvalidField) as caught:
        asked(**fields)
    return caught.value.metadata["field"], caught.value.metadata["value"]


def test_an_administrator_sees_to_the_own_organisation_named_or_not() -> None:
    assert organisation("o", "", caller(), "Do") == OURS
    assert organisation("o", OURS.upper(), caller(), "Do") == OURS


def test_only_a_platform_administrator_sees_to_others() -> None:
    with pytest.raises(AccessDenied) as caught:
        organisation("o", OTHERS, caller(), "Do")

    assert caught.value.metadata == {"method": "Do", "required": "ROLE_PLATFORM_ADMIN"}
    assert organisation("o", OTHERS, caller(ROLE_PLATFORM_ADMIN), "Do") == OTHERS


def test_what_is_no_organisation_is_refused() -> None:
    with pytest.raises(InvalidField, match="o: 'acme' is not allowed"):
        organisation("o", "acme", caller(ROLE_PLATFORM_ADMIN), "Do")


def test_a_discount_on_a_provider_holds_from_now_on() -> None:
    assert asked(factor=DISCOUNT, source="contract 17") == PriceOverride(
        id="id",
        organisation_id=OURS,
        provider="openai",
        effective=NOW,
        recorded=NOW,
        factor=Decimal("0.8"),
        source="contract 17",
    )


def test_own_prices_are_an_endpoints() -> None:
    kept = asked(endpoint_id="openai:gpt-4", unit_prices=[OWN])

    assert (kept.factor, kept.unit_prices) == (None, (UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(1), 1_000_000),))
    assert refused(unit_prices=[OWN]) == ("price_override.endpoint_id", "")


def test_an_override_is_either_a_factor_or_own_prices() -> None:
    assert refused() == ("price_override.factor", "neither")
    assert refused(factor=DISCOUNT, unit_prices=[OWN], endpoint_id="e") == ("price_override.factor", "both")


@pytest.mark.parametrize(
    ("fields", "field"),
    (
        ({"factor": ProtoDecimal(value="101")}, "factor"),
        ({"unit_prices": [price_pb2.UnitPrice(per=1)], "endpoint_id": "e"}, "unit_prices[0].unit"),
        ({"factor": DISCOUNT, "source": "a" * 201}, "source"),
        ({"factor": DISCOUNT, "endpoint_id": "a\0b"}, "endpoint_id"),
        ({"factor": DISCOUNT, "effective_time": {"seconds": 1}}, "effective_time"),
    ),
)
def test_what_can_not_be_kept_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields)[0] == f"price_override.{field}"


def test_an_override_is_for_a_provider_and_an_endpoint_of_its() -> None:
    provider_wide, endpoint = asked(factor=DISCOUNT), asked(factor=DISCOUNT, endpoint_id="openai:gpt-4")

    check_target(provider_wide, Target(is_provider=True))
    check_target(endpoint, Target(is_provider=True, endpoint_provider="openai"))
    for override, target, field in (
        (provider_wide, Target(is_provider=False), "provider"),
        (endpoint, Target(is_provider=True), "endpoint_id"),
        (endpoint, Target(is_provider=True, endpoint_provider="azure"), "endpoint_id"),
    ):
        with pytest.raises(InvalidField) as caught:
            check_target(override, target)
        assert caught.value.metadata["field"] == f"price_override.{field}"
