"""What organisations pay instead of list prices: who may say so, and what. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pantheon.auth.v1.access_pb2 import Role
from pantheon.catalog.v1 import price_pb2
from services.catalog import price_fields
from services.catalog.fields import storable
from services.rating import PriceOverride
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField

_FIELD = "price_override"
_MOST = 10_000
"""Of one organisation: routers look through them for every request of its own."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the catalog has of what an override is for.

    Attributes:
        is_provider: there is a provider of this name.
        endpoint_provider: whose endpoint it is; empty: there is no such endpoint, or none was named.
    """

    is_provider: bool
    endpoint_provider: str = ""


def organisation(field: str, given: str, caller: Principal, method: str) -> str:
    """Whose overrides are meant: the caller's organisation's, unless another is named.

    Raises:
        InvalidField: it is no organisation's id.
        AccessDenied: it is another organisation than the caller's, who is no platform administrator.
    """
    if not given:
        return caller.organisation_id
    try:
        asked = str(UUID(given))
    except ValueError:
        raise InvalidField(field, given, "an organisation's id: a UUID") from None
    if asked != caller.organisation_id and caller.role < Role.ROLE_PLATFORM_ADMIN:
        required = Role.Name(Role.ROLE_PLATFORM_ADMIN)
        raise AccessDenied(f"{method} for another organisation needs {required}", method=method, required=required)
    return asked


def asked_override(
    given: price_pb2.PriceOverride, organisation_id: str, now: datetime, new_id: Callable[[], str]
) -> PriceOverride:
    """The override to keep, but for whether there is what it is for; what is output only in the message is not read.

    Raises:
        InvalidField: a value is not allowed, or does not go with another.
    """
    storable(f"{_FIELD}.provider", given.provider)
    storable(f"{_FIELD}.endpoint_id", given.endpoint_id)
    if given.HasField("factor") == bool(given.unit_prices):
        both = "both" if given.unit_prices else "neither"
        raise InvalidField(f"{_FIELD}.factor", both, "either a factor or unit_prices")
    if given.unit_prices and not given.endpoint_id:
        raise InvalidField(f"{_FIELD}.endpoint_id", "", "the endpoint that unit_prices are for")
    moment = given.effective_time if given.HasField("effective_time") else None
    return PriceOverride(
        id=new_id(),
        organisation_id=organisation_id,
        provider=given.provider,
        endpoint_id=given.endpoint_id,
        effective=price_fields.effective(f"{_FIELD}.effective_time", moment, now, since_ever=False),
        recorded=now,
        factor=price_fields.factor(f"{_FIELD}.factor", given.factor) if given.HasField("factor") else None,
        unit_prices=price_fields.unit_prices(f"{_FIELD}.unit_prices", given.unit_prices),
        source=price_fields.source(f"{_FIELD}.source", given.source),
    )


def check_room(number: int) -> None:
    """Lets another override be added to so many of the organisation.

    Raises:
        InvalidField: these are as many as may be.
    """
    if number >= _MOST:
        allowed = f"an organisation with fewer than {_MOST} price overrides"
        raise InvalidField(f"{_FIELD}.organisation_id", f"{number} price overrides", allowed)


def check_target(override: PriceOverride, target: Target) -> None:
    """Lets overrides pass that are for something in the catalog.

    Raises:
        InvalidField: there is no such provider or endpoint, or the endpoint is another provider's.
    """
    if not target.is_provider:
        raise InvalidField(f"{_FIELD}.provider", override.provider, "the name of a provider in the catalog")
    if override.endpoint_id and target.endpoint_provider != override.provider:
        allowed = f"the id of an endpoint of {override.provider} in the catalog"
        raise InvalidField(f"{_FIELD}.endpoint_id", override.endpoint_id, allowed)
