"""What the catalog announces, and the copy of a router that has heard it."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pantheon.catalog.v1 import custom_model_pb2, model_pb2, parameters_pb2, price_pb2, provider_pb2, settings_pb2
from pantheon.events.v1.change_pb2 import Change, CustomModelChanged, ModelChanged, ProviderChanged, SettingsChanged
from services.router.snapshot import Snapshot
from services.router.wanted import Wants
from services.runtime import times
from services.runtime.money import to_proto

JANUARY, JUNE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def snapshot(*changes: Change) -> Snapshot:
    copy = Snapshot()
    for change in changes:
        copy.apply(change)
    return copy


async def wants(copy: Snapshot) -> Wants:
    async with asyncio.timeout(5):
        return await copy.wanted.take()


def model(name: str = "openai/gpt-4", *aliases: str, prices: tuple[price_pb2.PriceVersion, ...] = ()) -> Change:
    endpoint = model_pb2.Endpoint(id="e", provider="openai", provider_model_id="gpt-4", prices=prices)
    row = model_pb2.Model(id=name, aliases=aliases, endpoints=[endpoint], max_output_tokens=4096)
    return Change(model_changed=ModelChanged(model=row))


def price(version: str, amount: str, since: datetime, recorded: datetime = JANUARY) -> price_pb2.PriceVersion:
    units = (price_pb2.PRICE_UNIT_PROMPT_TOKEN, price_pb2.PRICE_UNIT_COMPLETION_TOKEN)
    return price_pb2.PriceVersion(
        id=version,
        effective_time=times.to_timestamp(since),
        record_time=times.to_timestamp(recorded),
        unit_prices=[price_pb2.UnitPrice(unit=unit, price=to_proto(Decimal(amount)), per=1_000_000) for unit in units],
    )


def provider(**fields: Any) -> Change:
    row = provider_pb2.Provider(
        name="openai",
        base_url="https://api.openai.com/v1",
        wire_format=provider_pb2.WIRE_FORMAT_OPENAI_CHAT,
        auth_style=provider_pb2.AUTH_STYLE_BEARER,
        configured=True,
    )
    row.MergeFrom(provider_pb2.Provider(**fields))
    return Change(provider_changed=ProviderChanged(provider=row))


def settings(user_id: str, preferred: str = "", **parameters: Any) -> Change:
    chosen = parameters_pb2.ModelParameters(**parameters)
    row = settings_pb2.UserSettings(user_id=user_id, preferred_model=preferred, model_parameters=chosen)
    return Change(settings_changed=SettingsChanged(settings=row))


def custom_model(id_: str = "m", **fields: Any) -> Change:
    row = custom_model_pb2.CustomModel(
        id=id_,
        model_id="custom/mine",
        user_id="user-1",
        provider="openai",
        provider_model_id="gpt-4",
        base_url="https://models.example.org/v1",
    )
    row.MergeFrom(custom_model_pb2.CustomModel(**fields))
    return Change(custom_model_changed=CustomModelChanged(custom_model=row))
