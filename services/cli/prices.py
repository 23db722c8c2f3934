"""`pantheon models price`: what a model costs and has cost, and what is to be paid from some day on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.catalog.v1.catalog_service_pb2 import (
    AddPriceOverrideRequest,
    AddPriceRequest,
    ListPriceOverridesRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.price_pb2 import PriceOverride, PriceUnit, PriceVersion, UnitPrice
from services.cli.calling import Caller, CallFailed
from services.cli.models import found_model
from services.cli.output import console, print_json
from services.cli.price_tables import overrides_table, price_history, since
from services.cli.running import WRONG_INPUT, CommandFailed
from services.cli.times import parse_time
from services.edge.rest import decimals
from services.edge.rest.model_bodies import EndpointBody, model_body
from services.edge.rest.price_bodies import price_version_body
from services.edge.rest.price_override_bodies import PriceOverrideBody, price_override_body
from services.runtime import money, times
from services.runtime.errors import AccessDenied

_MILLION = 1_000_000
_UNITS: Mapping[str, tuple[PriceUnit.ValueType, int]] = MappingProxyType(
    {
        "--prompt": (PriceUnit.PRICE_UNIT_PROMPT_TOKEN, _MILLION),
        "--completion": (PriceUnit.PRICE_UNIT_COMPLETION_TOKEN, _MILLION),
        "--cached": (PriceUnit.PRICE_UNIT_CACHED_TOKEN, _MILLION),
        "--cache-write": (PriceUnit.PRICE_UNIT_CACHE_WRITE_TOKEN, _MILLION),
        "--reasoning": (PriceUnit.PRICE_UNIT_REASONING_TOKEN, _MILLION),
        "--request": (PriceUnit.PRICE_UNIT_REQUEST, 1),
    }
)
_SET_NAMES = MappingProxyType({"endpoint_id": "ENDPOINT", "price.effective_time": "--from", "price.source": "--source"})
_OVERRIDE_NAMES = MappingProxyType(
    {
        "price_override.provider": "PROVIDER",
        "price_override.endpoint_id": "--endpoint",
        "price_override.factor": "--factor",
        "price_override.effective_time": "--from",
        "price_override.source": "--source",
        "price_override.": "",
    }
)


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """All prices a model has had; `overrides` are the organisation's of them, None where the caller may not see any."""

    model: str
    endpoints: list[EndpointBody]
    overrides: list[PriceOverrideBody] | None


async def show_prices(caller: Caller, name: str, *, as_json: bool) -> None:
    """Prints what a model costs and has cost, and what the organisation pays instead."""
    now = times.now()
    async with caller:
        model = model_body(await found_model(caller, name), times.to_timestamp(now), alone=True)
        overrides = await _overrides(caller, model.endpoints)
    if as_json:
        print_json(ModelPrices(model.id, model.endpoints, overrides))
        return
    screen = console()
    screen.print(model.id)
    screen.print(price_history(model.endpoints, now))
    if overrides:
        screen.print(overrides_table(overrides))


async def set_price(caller: Caller, endpoint_id: str, price: PriceVersion, *, as_json: bool) -> None:
    """Appends a price version to an endpoint's."""
    units = {f"price.unit_prices[{place}].price": option for place, option in enumerate(_options(price))}
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        request = AddPriceRequest(endpoint_id=endpoint_id, price=price)
        answer = await caller.call(catalog.AddPrice, request, names={**_SET_NAMES, **units})
    made = price_version_body(answer.price)
    if as_json:
        print_json(made)
    else:
        console().print(f"{endpoint_id}: price {made.id} holds from {since(made.effective_time)}")


async def override_price(caller: Caller, override: PriceOverride, *, as_json: bool) -> None:
    """Appends a price override to the organisation's."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        request = AddPriceOverrideRequest(price_override=override)
        answer = await caller.call(catalog.AddPriceOverride, request, names=_OVERRIDE_NAMES)
    made = price_override_body(answer.price_override)
    if as_json:
        print_json(made)
    else:
        console().print(overrides_table([made]))


def price_version(amounts: Mapping[str, str], begin: str, source: str, *, unpriced: bool) -> PriceVersion:
    """What an endpoint is to cost, as the options say it; `amounts` by option, in USD per million tokens or a request.

    Raises:
        InvalidField, CommandFailed: a value is not allowed, or nothing says what it is to cost.
    """
    given = {option: text for option, text in amounts.items() if text}
    if bool(given) == unpriced:
        raise CommandFailed(f"say what it costs: {', '.join(_UNITS)}; or that nobody knows: --unpriced", WRONG_INPUT)
    unit_prices = []
    for option, text in given.items():
        unit, per = _UNITS[option]
        unit_prices.append(UnitPrice(unit=unit, price=money.to_proto(decimals.read(option, text)), per=per))
    return PriceVersion(effective_time=_begin(begin), unit_prices=unit_prices, source=source)


def price_override(
    provider: str, endpoint_id: str, organisation_id: str, factor: str, begin: str, source: str
) -> PriceOverride:
    """What an organisation is to pay instead of list prices, as the options say it. Raises as `price_version` does."""
    return PriceOverride(
        provider=provider,
        endpoint_id=endpoint_id,
        organisation_id=organisation_id,
        factor=money.to_proto(decimals.read("--factor", factor)),
        effective_time=_begin(begin),
        source=source,
    )


async def _overrides(caller: Caller, endpoints: Sequence[EndpointBody]) -> list[PriceOverrideBody] | None:
    """The organisation's that are about these endpoints; None: the caller may not see them."""
    ids, providers = ({getattr(one, name) for one in endpoints} for name in ("id", "provider"))
    catalog = CatalogServiceStub(caller.channel)
    found: list[PriceOverrideBody] = []
    try:
        async for page in caller.pages(catalog.ListPriceOverrides, ListPriceOverridesRequest()):
            found += map(price_override_body, page.price_overrides)
    except CallFailed as failure:
        if isinstance(failure.error, AccessDenied):
            return None
        raise
    return [one for one in found if (one.endpoint_id in ids if one.endpoint_id else one.provider in providers)]


def _options(price: PriceVersion) -> list[str]:
    """The option that each of a version's unit prices comes from."""
    options = {unit: option for option, (unit, _) in _UNITS.items()}
    return [options[entry.unit] for entry in price.unit_prices]


def _begin(text: str) -> Timestamp | None:
    instant = parse_time(text, "--from", times.now())
    return None if instant is None else times.to_timestamp(instant)
