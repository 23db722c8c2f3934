"""A router in the test's own process: the real engine, journal, transport and surfaces, with any provider behind."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import httpx2 as httpx

from pantheon.auth.v1.access_pb2 import Role
from pantheon.catalog.v1 import custom_model_pb2, model_pb2, price_pb2, provider_pb2
from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsResponse
from pantheon.catalog.v1.provider_key_pb2 import CustomModelSecret, ProviderSecret, ProviderSecrets
from pantheon.events.v1.change_pb2 import Change, ModelChanged, ProviderChanged
from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished, CompletionStarted
from pantheon.router.v1 import router_service_pb2_grpc
from pantheon.router.v1.completion_pb2 import Completion, CompletionSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import CompleteRequest, StreamCompleteRequest, StreamCompleteResponse
from services.router.api.admission import Admission
from services.router.api.grpc import RouterServicer
from services.router.api.http import MAX_BODY_BYTES
from services.router.api.routes import http_api
from services.router.catalog import CustomModel
from services.router.catalog_messages import custom_model_of
from services.router.engine import Engine
from services.router.journal import Files, Journal, JournalLimits, create_spool
from services.router.provider_keys import Status
from services.router.secret_keys import SecretKeys, Source
from services.router.snapshot import Snapshot
from services.router.trial.unsaved import Check
from services.router.upstream import Timeouts
from services.router.upstreams import Upstreams
from services.runtime import times
from services.runtime.auth import ALL_SCOPES, Authenticator, Principal
from services.runtime.egress import EgressPolicy
from services.runtime.errors import CredentialsInvalid
from services.runtime.http import HttpServer
from services.runtime.identity import ServiceTrust, generate
from services.runtime.money import to_proto
from services.runtime.server import GrpcServer
from services.runtime.tasks import Tasks

KEY = "pan-test"
PRINCIPAL = Principal("user-1", "organisation-1", "project-1", "key-1", Role.ROLE_MEMBER, ALL_SCOPES)
MESSAGES: Any = [{"role": "user", "content": "Tell me about bees."}]
AUTHORIZATION = (("authorization", f"Bearer {KEY}"),)
_SERVICE = "pantheon.router.v1.RouterService"
_LIMITS = JournalLimits(segment_bytes=4 * 1024 * 1024, spool_bytes=64 * 1024 * 1024)


class OneKey:
    """An Authenticator that knows one key."""

    async def authenticate(self, credential: str) -> Principal:
        if credential != KEY:
            raise CredentialsInvalid
        return PRINCIPAL


@dataclass
class Secrets:
    """A Source of keys. `platform` and those of `organisations` are secrets by provider; a key's id is its secret's.

    `reports` is what was reported, in order.
    """

    platform: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    organisations: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    custom_models: list[CustomModelSecret] = field(default_factory=list)
    reports: list[tuple[str, Status]] = field(default_factory=list)

    async def secrets(self, *, providers: bool, custom_model_ids: Sequence[str]) -> ListSecretsResponse:
        owners = {"": self.platform, **self.organisations} if providers else {}
        return ListSecretsResponse(
            provider_secrets=[
                ProviderSecrets(
                    provider=provider,
                    organisation_id=owner,
                    secrets=[ProviderSecret(key_id=f"id of {secret}", secret=secret) for secret in secrets],
                )
                for owner, providers in owners.items()
                for provider, secrets in providers.items()
            ],
            custom_model_secrets=[one for one in self.custom_models if one.custom_model_id in custom_model_ids],
        )

    async def report(self, key_id: str, status: Status) -> None:
        self.reports.append((key_id, status))


@dataclass
class RunningRouter:
    """The router and what a test looks at. `http` and `stub` are clients with the right key.

    `first` is the number of the first record that is the test's own.
    """

    http: httpx.AsyncClient
    stub: router_service_pb2_grpc.RouterServiceStub
    engine: Engine
    journal: Journal
    snapshot: Snapshot
    keys: SecretKeys
    secrets: Secrets = field(default_factory=Secrets)
    first: int = 1

    @property
    def base_url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    @property
    def port(self) -> int:
        port = self.http.base_url.port
        assert port is not None
        return port

    async def post(self, model: str = "gpt-4", **members: Any) -> httpx.Response:
        """A completion over HTTP."""
        body = {"model": model, "messages": MESSAGES, **members}
        return await self.http.post("/v1/chat/completions", json=body)

    async def stream(self, model: str = "gpt-4", **members: Any) -> list[str]:
        """The data of the events of a streamed completion over HTTP, `[DONE]` included."""
        answer = await self.post(model, stream=True, **members)
        assert answer.status_code == 200, answer.text
        return data_of(answer.text)

    async def complete(self, wanted: CompletionSpec | None = None, timeout: float = 20) -> Completion:
        """A completion over gRPC."""
        request = CompleteRequest(spec=wanted or spec())
        answer = await self.stub.Complete(request, metadata=AUTHORIZATION, timeout=timeout)
        return answer.completion

    def stream_complete(
        self, wanted: CompletionSpec | None = None
    ) -> "grpc.aio.UnaryStreamCall[StreamCompleteRequest, StreamCompleteResponse]":
        """A streamed completion over gRPC."""
        request = StreamCompleteRequest(spec=wanted or spec())
        return self.stub.StreamComplete(request, metadata=AUTHORIZATION, timeout=20)

    async def events(self) -> list[CompletionEvent]:
        """What is in the journal, in order, once what was left behind is booked. Checkpoints are not in it."""
        async with asyncio.timeout(10):
            await self.engine.settled()
            await self.journal.sync()
        if self.journal.last_number < self.first:
            return []
        records = await self.journal.read(self.first, 1 << 30, 1 << 30)
        return [CompletionEvent.FromString(payload) for _, payload in records]

    async def started(self) -> list[CompletionStarted]:
        return [event.started for event in await self.events() if event.HasField("started")]

    async def finished(self) -> list[CompletionFinished]:
        return [event.finished for event in await self.events() if event.HasField("finished")]

    async def one_finished(self) -> CompletionFinished:
        """The only attempt's FINISH."""
        started, finished = await self.started(), await self.finished()
        assert len(started) == len(finished) == 1, finished
        assert finished[0].started == started[0]
        return finished[0]


def spec(model: str = "gpt-4", text: str = "Tell me about bees.", **fields: Any) -> CompletionSpec:
    """One user message for the model."""
    message = Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part(text=TextPart(text=text))])
    return CompletionSpec(model=model, messages=[message], **fields)


def data_of(stream: str) -> list[str]:
    """The data of a whole event stream as this router writes it: one line each, or several of one event."""
    events = stream.split("\n\n")
    assert events.pop() == "", "the stream is cut off"
    return [
        "\n".join(line.removeprefix("data: ") for line in event.split("\n"))
        for event in events
        if event.startswith("data: ")
    ]


def provider(name: str, base_url: str, *, configured: bool = True, sandbox: bool = True, **flags: bool) -> Change:
    row = provider_pb2.Provider(
        name=name,
        base_url=base_url,
        wire_format=provider_pb2.WIRE_FORMAT_OPENAI_CHAT,
        auth_style=provider_pb2.AUTH_STYLE_BEARER,
        configured=configured,
        sandbox=sandbox,
        flags=provider_pb2.ProviderFlags(**flags),
    )
    return Change(provider_changed=ProviderChanged(provider=row))


def model(
    model_id: str,
    *endpoints: tuple[str, str],
    aliases: tuple[str, ...] = (),
    price: bool = True,
    completion_price: str | None = "30",
) -> Change:
    """A model at USD 10 a million prompt tokens and 30 a million completion tokens."""
    units = [(price_pb2.PRICE_UNIT_PROMPT_TOKEN, "10")]
    if completion_price is not None:
        units.append((price_pb2.PRICE_UNIT_COMPLETION_TOKEN, completion_price))
    since = times.to_timestamp(datetime(2020, 1, 1, tzinfo=UTC))
    version = price_pb2.PriceVersion(
        id="price-1",
        effective_time=since,
        record_time=since,
        unit_prices=[
            price_pb2.UnitPrice(unit=unit, price=to_proto(Decimal(amount)), per=1_000_000) for unit, amount in units
        ],
    )
    row = model_pb2.Model(
        id=model_id,
        aliases=aliases,
        max_output_tokens=4_096,
        endpoints=[
            model_pb2.Endpoint(
                id=f"{name}:{theirs}", provider=name, provider_model_id=theirs, prices=[version] if price else []
            )
            for name, theirs in endpoints
        ],
    )
    return Change(model_changed=ModelChanged(model=row))


async def _allowed(description: custom_model_pb2.CustomModel, authorization: str) -> CustomModel:
    """The catalog's check, that lets everything pass and believes what is said of the address."""
    return custom_model_of(description)


@asynccontextmanager
async def running_router(
    directory: Path,
    changes: list[Change],
    keys: Mapping[str, tuple[str, ...]],
    **options: Any,
) -> AsyncIterator[RunningRouter]:
    """A router that knows these changes of a catalog's and these keys; `options` are those of `routing`."""
    snapshot, source = Snapshot(), Secrets(keys)
    for change in changes:
        snapshot.apply(change)
    async with routing(directory, snapshot, source, **options) as router:
        yield replace(router, secrets=source)


@asynccontextmanager
async def routing(
    directory: Path,
    snapshot: Snapshot,
    source: Source,
    *,
    authenticator: Authenticator | None = None,
    timeouts: Timeouts | None = None,
    longest_seconds: float = 60,
    files: Files | None = None,
    limits: JournalLimits = _LIMITS,
    egress_allow: str = "",
    upstreams: Upstreams | None = None,
    check: Check = _allowed,
    most_running: int = 1_000,
) -> AsyncIterator[RunningRouter]:
    """A router with the caller's own snapshot and source of keys. Without `authenticator` it knows one key.

    `upstreams`, which it then closes, go before `timeouts` and `egress_allow`.
    """
    async with AsyncExitStack() as stack:
        secret_keys = await _loaded_keys(stack, source, snapshot)
        spool = create_spool(directory / "spool")
        stack.callback(spool.release)
        journal = await Journal.open(spool, limits, files)
        stack.push_async_callback(journal.close)
        upstreams = upstreams or Upstreams(timeouts or Timeouts(), EgressPolicy.parse(egress_allow))
        stack.push_async_callback(upstreams.close)
        engine = Engine(snapshot, secret_keys, journal, upstreams, longest_seconds=longest_seconds)
        stack.push_async_callback(engine.settled)
        known = authenticator or OneKey()
        admission = Admission(most_running)
        http_server = HttpServer(http_api(engine, known, snapshot, admission), "127.0.0.1", 0, name="http")
        await http_server.start()
        stack.push_async_callback(http_server.stop, 1)
        generate(directory / "service-keys", ["router"])
        trust = ServiceTrust.load(directory / "service-keys", "router")
        grpc_server = GrpcServer("127.0.0.1:0", known, trust, most_bytes=4 * MAX_BODY_BYTES)
        servicer = RouterServicer(engine, check, admission)
        grpc_server.add(router_service_pb2_grpc.add_RouterServiceServicer_to_server, servicer, _SERVICE)
        await grpc_server.start()
        stack.push_async_callback(grpc_server.stop, 1)
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{grpc_server.port}", options=_UNLIMITED)
        await stack.enter_async_context(channel)
        http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{http_server.port}",
            headers=dict(AUTHORIZATION),
            trust_env=False,
            verify=False,
            timeout=30,
            limits=httpx.Limits(max_connections=None),
        )
        await stack.enter_async_context(http)
        stub = router_service_pb2_grpc.RouterServiceStub(channel)
        yield RunningRouter(http, stub, engine, journal, snapshot, secret_keys)


_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


async def _loaded_keys(stack: AsyncExitStack, source: Source, snapshot: Snapshot) -> SecretKeys:
    keys = SecretKeys(source, snapshot.wanted)
    tasks = Tasks()
    stack.push_async_callback(tasks.close)
    tasks.start("keys", keys.keep())
    tasks.start("key reports", keys.report())
    async with asyncio.timeout(5):
        await keys.providers.loaded.wait()
    return keys
