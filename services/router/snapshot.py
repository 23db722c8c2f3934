"""What a router knows without asking: providers, models, prices and settings, followed from the catalog's changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import grpc
import msgspec

from pantheon.catalog.v1 import model_pb2, price_pb2, provider_pb2, settings_pb2
from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from pantheon.events.v1.change_pb2 import Change
from pantheon.usage.v1.ledger_pb2 import Target
from services.rating import CompiledPrice, PriceTier, PriceUnit, PriceVersion, UnitPrice, compile_price
from services.router.chat import Format
from services.router.plan import Catalog, Endpoint, Model, Provider, Settings
from services.router.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from services.router.wire.base import Dialect
from services.router.wire.base import WireFormat as Wire
from services.router.wire.gemini import Gemini, GeminiCountTokens, GeminiEmbeddings
from services.router.wire.openai_chat import OpenAIChat
from services.router.wire.openai_embeddings import OpenAIEmbeddings
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime import times
from services.runtime.bus import Bus
from services.runtime.errors import PantheonError
from services.runtime.follower import Follower
from services.runtime.logging import get_logger
from services.runtime.money import from_proto
from services.runtime.process import Process
from services.runtime.status import error_from_rpc

_anthropic = AnthropicMessages()
_chat = OpenAIChat()
_gemini = Gemini()
_responses = OpenAIResponses()
WIRES: Mapping[int, Mapping[Format, Wire]] = {
    WireFormat.WIRE_FORMAT_OPENAI_CHAT: {
        Format.CHAT: _chat,
        Format.MESSAGES: _chat,
        Format.RESPONSES: _chat,
        Format.EMBEDDINGS: OpenAIEmbeddings(),
    },
    WireFormat.WIRE_FORMAT_GEMINI: {
        Format.CHAT: _gemini,
        Format.MESSAGES: _gemini,
        Format.RESPONSES: _gemini,
        Format.EMBEDDINGS: GeminiEmbeddings(),
        Format.COUNT_TOKENS: GeminiCountTokens(),
    },
    WireFormat.WIRE_FORMAT_OPENAI_RESPONSES: {Format.RESPONSES: _responses},
    WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES: {
        Format.CHAT: _anthropic,
        Format.MESSAGES: _anthropic,
        Format.RESPONSES: _anthropic,
        Format.COUNT_TOKENS: AnthropicCountTokens(),
    },
}
"""How a provider of each format is talked to, by the format of the request."""

_KEY_HEADERS: Mapping[int, tuple[str, str]] = {
    AuthStyle.AUTH_STYLE_BEARER: ("authorization", "Bearer "),
    AuthStyle.AUTH_STYLE_X_API_KEY: ("x-api-key", ""),
    AuthStyle.AUTH_STYLE_X_GOOG_API_KEY: ("x-goog-api-key", ""),
    AuthStyle.AUTH_STYLE_API_KEY: ("api-key", ""),
    AuthStyle.AUTH_STYLE_NONE: ("", ""),
}
_FIRST_SNAPSHOT_SECONDS = 10.0
_KEYS_SECONDS = 5.0
_KEYS_AGAIN_SECONDS = 1.0


class Snapshot:
    """The copy. Readers take what they need in one go; `apply` and `reset` replace entries, never change them."""

    def __init__(self) -> None:
        self.catalog = Catalog()
        self._settings: dict[str, Settings] = {}
        self._no_settings = Settings()
        self.providers_changed = asyncio.Event()
        self._follower: Follower | None = None

    def check_fresh(self) -> None:
        """Raises SnapshotStale when the copy can't be trusted any more."""
        if self._follower is not None:
            self._follower.check_fresh()

    def follow(self, follower: Follower) -> None:
        """Ties the copy to the follower that fills it, to know when it is stale."""
        self._follower = follower

    def settings_of(self, user_id: str) -> Settings:
        """A user's settings; empty ones for a user who never set any."""
        return self._settings.get(user_id, self._no_settings)

    def price(self, target: Target, version_id: str) -> CompiledPrice | None:
        """The price version an attempt was started under; None where it is no longer known."""
        model = self.catalog.models.get(target.model)
        for endpoint in model.endpoints if model else ():
            if endpoint.provider == target.provider:
                for price in endpoint.prices:
                    if price.version.id == version_id:
                        return price
        return None

    def reset(self) -> None:
        """Forgets everything: a snapshot follows."""
        self.catalog = Catalog()
        self._settings = {}

    def apply(self, change: Change) -> None:
        """Takes one change of the catalog's."""
        event = change.WhichOneof("event")
        if event == "model_changed":
            self._put_model(change.model_changed.model)
        elif event == "model_removed":
            self._drop_model(change.model_removed.model_id)
        elif event == "provider_changed":
            provider = _provider(change.provider_changed.provider)
            self.catalog.providers[provider.name] = provider
            self.providers_changed.set()
        elif event == "settings_changed":
            settings = change.settings_changed.settings
            self._settings[settings.user_id] = _settings(settings)

    def _put_model(self, message: model_pb2.Model) -> None:
        self._drop_model(message.id)
        self.catalog.models[message.id] = _model(message)
        for alias in message.aliases:
            self.catalog.aliases[alias] = message.id

    def _drop_model(self, model_id: str) -> None:
        if self.catalog.models.pop(model_id, None) is not None:
            aliases = self.catalog.aliases
            for alias in [alias for alias, target in aliases.items() if target == model_id]:
                del aliases[alias]


async def follow_catalog(
    process: Process, bus: Bus, channel: grpc.aio.Channel, cache: Path, max_staleness: float
) -> Snapshot:
    """A snapshot that is kept up to date until the process stops; returns once it is filled, or after ten seconds."""
    snapshot = Snapshot()
    follower = Follower(
        "catalog",
        bus,
        channel,
        reset=snapshot.reset,
        apply=snapshot.apply,
        cache=cache,
        max_staleness=max_staleness,
    )
    snapshot.follow(follower)
    process.run_task("router.catalog", follower.run())
    process.ready_when("catalog", follower.loaded.is_set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_SNAPSHOT_SECONDS):
            await follower.loaded.wait()
    return snapshot


class ProviderKeys:
    """The providers' secret keys, in memory only; taken in turn.

    `fetch` gives all of them, by provider; `changed` is set when they should be asked for again.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Mapping[str, tuple[str, ...]]]], changed: asyncio.Event | None = None
    ) -> None:
        self._fetch = fetch
        self._changed = changed or asyncio.Event()
        self._keys: Mapping[str, tuple[str, ...]] = {}
        self._turn: dict[str, int] = {}
        self.loaded = asyncio.Event()

    def in_turn(self, provider: str) -> tuple[str, ...]:
        """All keys of a provider, beginning with the one whose turn it is. Empty where it has none."""
        keys = self._keys.get(provider, ())
        if len(keys) < 2:
            return keys
        start = self._turn[provider] = (self._turn.get(provider, -1) + 1) % len(keys)
        return keys[start:] + keys[:start]

    def refused(self) -> None:
        """A provider refused a key: there may be a newer one."""
        self._changed.set()

    async def keep(self) -> None:
        """Fetches the keys now and whenever there is reason to, once a second at most. Runs until cancelled."""
        while True:
            self._changed.clear()
            try:
                self._keys = await self._fetch()
                self.loaded.set()
            except PantheonError as error:
                get_logger().warning("keys.provider_keys_unavailable", error=str(error))
                self._changed.set()
            await asyncio.sleep(_KEYS_AGAIN_SECONDS)
            await self._changed.wait()


def keys_from(catalog: grpc.aio.Channel) -> Callable[[], Awaitable[Mapping[str, tuple[str, ...]]]]:
    """The catalog as the source of keys."""
    stub = CatalogServiceStub(catalog)

    async def fetch() -> Mapping[str, tuple[str, ...]]:
        try:
            answer = await stub.ListSecrets(ListSecretsRequest(providers=True), timeout=_KEYS_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "catalog") from None
        return {entry.provider: tuple(key.secret for key in entry.secrets) for entry in answer.provider_secrets}

    return fetch


def _provider(message: provider_pb2.Provider) -> Provider:
    header, prefix = _KEY_HEADERS.get(message.auth_style, ("", ""))
    return Provider(
        name=message.name,
        base_url=message.base_url,
        wires=_wires(message) if message.auth_style in _KEY_HEADERS else {},
        dialect=Dialect(
            streams_usage_unasked=message.flags.streams_usage_unasked,
            renames_max_tokens=message.flags.renames_max_tokens,
            takes_extensions=message.flags.aggregates_vendors,
            wants_reasoning_back=message.flags.wants_reasoning_back,
        ),
        key_header=header,
        key_prefix=prefix,
        configured=message.configured,
        sandbox=message.sandbox,
        aggregates_vendors=message.flags.aggregates_vendors,
    )


def _wires(message: provider_pb2.Provider) -> Mapping[Format, Wire]:
    wires = WIRES.get(message.wire_format, {})
    return {**wires, Format.RESPONSES: _responses} if message.flags.serves_responses else wires


def _model(message: model_pb2.Model) -> Model:
    return Model(
        id=message.id,
        endpoints=tuple(
            Endpoint(
                provider=endpoint.provider,
                provider_model_id=endpoint.provider_model_id,
                prices=tuple(sorted(map(_price, endpoint.prices), key=_since)),
            )
            for endpoint in message.endpoints
        ),
        max_output_tokens=message.max_output_tokens if message.HasField("max_output_tokens") else None,
        created=message.release_time.seconds if message.HasField("release_time") else 0,
    )


def _since(price: CompiledPrice) -> tuple[object, ...]:
    # Of several versions from the same moment on, the one recorded last holds.
    return (price.version.effective, price.version.recorded)


def _price(message: price_pb2.PriceVersion) -> CompiledPrice:
    return compile_price(
        PriceVersion(
            id=message.id,
            effective=times.from_timestamp(message.effective_time),
            recorded=times.from_timestamp(message.record_time),
            source=message.source,
            unit_prices=tuple(
                UnitPrice(
                    unit=PriceUnit(entry.unit),
                    price=from_proto(entry.price, "price"),
                    per=entry.per,
                    tiers=tuple(
                        PriceTier(tier.above_prompt_tokens, from_proto(tier.price, "price")) for tier in entry.tiers
                    ),
                )
                for entry in message.unit_prices
            ),
        )
    )


def _settings(message: settings_pb2.UserSettings) -> Settings:
    parameters = message.model_parameters
    encode: Callable[[object], bytes] = msgspec.json.encode
    fill = {field.name: msgspec.Raw(encode(value)) for field, value in parameters.ListFields()}
    return Settings(message.preferred_model, fill)
