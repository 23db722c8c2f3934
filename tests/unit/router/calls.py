"""Requests, catalogs to plan them with, and a journal that keeps what it is given."""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from pantheon.auth.v1.access_pb2 import Role
from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished, CompletionStarted
from pantheon.usage.v1.ledger_pb2 import Surface
from pantheon.usage.v1.measure_pb2 import Timing
from services.rating import CompiledPrice, PriceOverride, PriceUnit, PriceVersion, Tokens, UnitPrice, compile_price
from services.router.attempts import Attempt, Call
from services.router.catalog import NOTHING_CHOSEN, Catalog, Chosen, Endpoint, Model, Provider
from services.router.chat import ChatRequest, Format
from services.router.plan import Candidate, Plan, make_plan
from services.router.prices import DatedPrice
from services.router.receipts import Receipt, cost_message, token_usage
from services.router.wire.base import Dialect
from services.router.wire.openai_chat import OpenAIChat
from services.runtime import times
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.errors import JournalUnavailable
from services.runtime.ids import uuid7

PRINCIPAL = Principal("user-1", "organisation-1", "project-1", "key-1", Role.ROLE_MEMBER, ALL_SCOPES)
WIRE = OpenAIChat()
WIRES = {Format.CHAT: WIRE, Format.MESSAGES: WIRE, Format.RESPONSES: WIRE}
PAST = datetime(2020, 1, 1, tzinfo=UTC)


def provider(
    name: str, *, configured: bool = True, speaks: bool = True, aggregates: bool = False, sandbox: bool = False
) -> Provider:
    return Provider(
        name=name,
        base_url=f"https://{name}.example/v1",
        wires=WIRES if speaks else {},
        dialect=Dialect(),
        key_header="authorization",
        key_prefix="Bearer ",
        configured=configured,
        sandbox=sandbox,
        aggregates_vendors=aggregates,
    )


def price(
    version: str = "price-1", prompt: str = "10", completion: str = "30", since: datetime = PAST
) -> CompiledPrice:
    """USD a million tokens."""
    units = ((PriceUnit.PROMPT_TOKEN, prompt), (PriceUnit.COMPLETION_TOKEN, completion))
    return compile_price(
        PriceVersion(
            id=version,
            effective=since,
            recorded=since,
            source="test",
            unit_prices=tuple(UnitPrice(unit, Decimal(amount), 1_000_000) for unit, amount in units),
        )
    )


def bill(state: int, tokens: Tokens | None = None, amount: str = "") -> Receipt:
    """A receipt: half a second in all, a quarter to the first token."""
    cost = cost_message(Decimal(amount) if amount else None, None, "price-1", "")
    timing = Timing(time_to_first_token=times.duration(0.25), total=times.duration(0.5))
    return Receipt(state, token_usage(tokens or Tokens()), cost, timing)


def model(name: str, *endpoints: Endpoint, most: int | None = None, **facts: Any) -> Model:
    return Model(name, endpoints, most, created=0, **facts)


def endpoint(provider: str, name: str, *prices: CompiledPrice) -> Endpoint:
    return Endpoint(provider, name, tuple(map(DatedPrice.of, prices)))


def override(name: str, **fields: Any) -> PriceOverride:
    """The organisation's: a fifth off OpenAI's list prices, where nothing else is said."""
    fields = {"provider": "openai", "effective": PAST, "recorded": PAST, **fields}
    if "unit_prices" not in fields:
        fields.setdefault("factor", Decimal("0.8"))
    return PriceOverride(id=name, organisation_id=PRINCIPAL.organisation_id, **fields)


def catalog(providers: Iterable[Provider], models: Iterable[Model] = (), **aliases: str) -> Catalog:
    return Catalog(
        {row.name: row for row in providers},
        {row.id: row for row in models},
        {alias.replace("_", "-"): name for alias, name in aliases.items()},
    )


def planned(
    asked: ChatRequest, known: Catalog, settings: Chosen = NOTHING_CHOSEN, caller: Principal = PRINCIPAL
) -> Plan:
    """The plan for a caller with these settings."""
    return make_plan(asked, replace(known, settings={**known.settings, caller.user_id: settings}), caller)


def request(name: str = "openai/gpt-4", *, stream: bool = False, **members: Any) -> ChatRequest:
    """A request whose further members are given as they are in JSON: `temperature=1.5`."""
    body = {"model": name, **members}
    encoded = msgspec.json.encode(body)
    raw = {member: msgspec.Raw(msgspec.json.encode(value)) for member, value in body.items()}
    return ChatRequest(model=name, body=raw, size=len(encoded), stream=stream)


class KeptJournal:
    """What was written, in order. `durable` counts the FINISHes that were waited for."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.events: list[CompletionEvent] = []
        self.reserves: list[int] = []
        self.sizes: list[int] = []
        self.durable = 0
        self._refuses = refuses

    @property
    def open_count(self) -> int:
        return sum(
            1 if event.HasField("started") else -1 for event in self.events if not event.HasField("checkpointed")
        )

    def start(self, payload: bytes, finish_reserve: int) -> int:
        if self._refuses:
            raise JournalUnavailable("the spool is full")
        self.reserves.append(finish_reserve)
        return self._keep(payload)

    def checkpoint(self, start_number: int, payload: bytes) -> None:
        self._keep(payload)

    async def finish(self, start_number: int, payload: bytes) -> int:
        self.durable += 1
        return self.finish_nowait(start_number, payload)

    def finish_nowait(self, start_number: int, payload: bytes) -> int:
        self.sizes.append(len(payload))
        return self._keep(payload)

    def _keep(self, payload: bytes) -> int:
        self.events.append(CompletionEvent.FromString(payload))
        return len(self.events)

    @property
    def started(self) -> CompletionStarted:
        (found,) = (event.started for event in self.events if event.HasField("started"))
        return found

    @property
    def finished(self) -> CompletionFinished:
        (found,) = (event.finished for event in self.events if event.HasField("finished"))
        return found


def attempt(
    journal: KeptJournal,
    *prices: CompiledPrice,
    asked: ChatRequest | None = None,
    began: float | None = None,
    overrides: tuple[PriceOverride, ...] = (),
) -> Attempt:
    """An attempt at OpenAI's endpoint with these prices."""
    candidate = Candidate(provider("openai"), endpoint("openai", "gpt-4-0613", *prices), WIRE, overrides)
    plan = Plan("openai/gpt-4", [candidate], {})
    arrived = time.monotonic() if began is None else began
    call = Call(str(uuid7()), asked or request(), PRINCIPAL, Surface.SURFACE_GRPC, plan, arrived)
    return Attempt(journal, call, candidate, 1)
