import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
import structlog
from google.protobuf.empty_pb2 import Empty
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pantheon.auth.v1.access_pb2 import Role, Scope
from services.runtime.auth import ALL_SCOPES, Principal, current_principal
from services.runtime.conventions import REQUEST_ID_KEY, SERVICE_KEY
from services.runtime.errors import (
    AccessDenied,
    CredentialsInvalid,
    CredentialsMissing,
    DeadlinePassed,
    InternalFault,
    PantheonError,
    RateLimited,
    by_reason,
)
from services.runtime.grpc_asgi.framing import framed
from services.runtime.identity import ServiceIdentity, generate
from services.runtime.rpc import RpcContext
from services.runtime.status import DETAILS_KEY, error_from_rpc
from tests.fixtures.eventually import eventually
from tests.integration.runtime.gated_service import NAME, SERVICE, GatedService, gated_service
from tests.integration.runtime.h2_client import H2Client

Refused = TypeVar("Refused", bound=PantheonError)
Metadata = Sequence[tuple[str, str]]

MEMBER = Principal("ada", "o", "p", "", Role.ROLE_MEMBER, ALL_SCOPES)
ADMINISTRATOR = Principal("bob", "o", "p", "k", Role.ROLE_PLATFORM_ADMIN, ALL_SCOPES)
INFERENCE_ONLY = Principal("bob", "o", "p", "k", Role.ROLE_PLATFORM_ADMIN, frozenset({Scope.SCOPE_INFERENCE}))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[GatedService]:
    async with gated_service(tmp_path / "keys") as running:
        running.people.known |= {"member": MEMBER, "administrator": ADMINISTRATOR, "inference": INFERENCE_ONLY}
        yield running


@pytest.fixture
async def channel(service: GatedService) -> AsyncIterator[grpc.aio.Channel]:
    async with service.channel() as opened:
        yield opened


@pytest.fixture
async def router(service: GatedService) -> AsyncIterator[grpc.aio.Channel]:
    async with service.channel("router") as opened:
        yield opened


def as_(credential: str) -> Metadata:
    return (("authorization", f"Bearer {credential}"),)


def call(channel: grpc.aio.Channel, method: str, metadata: Metadata = (), timeout: float | None = None) -> Any:
    kind: Any = channel.unary_stream if method == "Watch" else channel.unary_unary
    coding = {"request_serializer": Empty.SerializeToString, "response_deserializer": Empty.FromString}
    return kind(f"/{SERVICE}/{method}", **coding)(Empty(), metadata=metadata, timeout=timeout)


@contextmanager
def refused(kind: type[Refused]) -> Iterator[dict[str, str]]:
    """Expects an RPC to fail with this error; what is yielded has its metadata afterwards."""
    metadata: dict[str, str] = {}
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        yield metadata
    error = error_from_rpc(failure.value)
    assert type(error) is kind, error
    metadata.update(error.metadata)


def details(failure: grpc.aio.AioRpcError) -> Status:
    (serialised,) = [value for key, value in failure.trailing_metadata() or () if key == DETAILS_KEY]
    assert isinstance(serialised, bytes)
    return Status.FromString(serialised)


@pytest.mark.parametrize("method", ("Ruleless", "Roleless", "Closed"))
@pytest.mark.parametrize("metadata", ((), as_("member"), as_("administrator")))
async def test_a_method_without_a_whole_rule_is_open_to_nobody(
    channel: grpc.aio.Channel, router: grpc.aio.Channel, method: str, metadata: Metadata
) -> None:
    for caller in (channel, router):
        with refused(AccessDenied) as told:
            await call(caller, method, metadata)
        assert told == {"method": f"/{SERVICE}/{method}", "required": "an access rule"}


async def test_internal_methods_are_open_to_signed_services_only(
    channel: grpc.aio.Channel, router: grpc.aio.Channel
) -> None:
    await call(router, "Internal")
    for metadata in ((), as_("administrator")):
        with refused(AccessDenied) as told:
            await call(channel, "Internal", metadata)
        assert told["required"] == "service identity of router"


async def test_internal_methods_are_closed_to_services_they_do_not_name(service: GatedService) -> None:
    async with service.channel("usage") as usage:
        with refused(AccessDenied) as told:
            await call(usage, "Internal")
    assert told["required"] == "service identity of router"


async def test_a_token_for_one_service_is_worth_nothing_at_another(service: GatedService) -> None:
    async with service.channel("router", audience="usage") as replayed:
        with refused(CredentialsInvalid):
            await call(replayed, "Internal")


async def test_a_forged_identity_is_refused(channel: grpc.aio.Channel, tmp_path: Path) -> None:
    generate(tmp_path / "forged", ("router",))
    forged = ServiceIdentity.load(tmp_path / "forged", "router").token(NAME)
    for method in ("Internal", "Members"):
        with refused(CredentialsInvalid):
            await call(channel, method, ((SERVICE_KEY, forged), *as_("member")))


async def test_a_service_identity_does_not_make_a_user(router: grpc.aio.Channel) -> None:
    with refused(CredentialsMissing):
        await call(router, "Members")
    await call(router, "Members", as_("member"))


async def test_people_need_credentials_their_role_and_their_scope(channel: grpc.aio.Channel) -> None:
    await call(channel, "Administrators", as_("administrator"))
    for metadata in ((), (("authorization", "Basic bWVtYmVy"),)):
        with refused(CredentialsMissing):
            await call(channel, "Members", metadata)
    with refused(CredentialsInvalid):
        await call(channel, "Members", as_("stranger"))
    with refused(AccessDenied) as told:
        await call(channel, "Administrators", as_("member"))
    assert told["required"] == "ROLE_ORGANISATION_ADMIN"
    with refused(AccessDenied) as told:
        await call(channel, "Administrators", as_("inference"))
    assert told["required"] == "SCOPE_ADMIN"


async def test_streams_are_guarded_as_well(channel: grpc.aio.Channel) -> None:
    with refused(CredentialsMissing):
        await call(channel, "Watch").read()
    assert len([answer async for answer in call(channel, "Watch", as_("member"))]) == 2


async def test_where_no_credentials_are_needed_none_are_looked_at(channel: grpc.aio.Channel) -> None:
    await call(channel, "Public")
    await call(channel, "Public", (*as_("stranger"), (SERVICE_KEY, "nonsense")))


async def test_the_method_knows_who_calls(service: GatedService, channel: grpc.aio.Channel) -> None:
    seen = []

    async def remember(_: RpcContext) -> None:
        seen.append(current_principal())

    service.behaviour = remember
    await asyncio.gather(*(call(channel, "Members", as_(who)) for who in ("member", "administrator")))
    assert sorted(principal.user_id for principal in seen) == ["ada", "bob"]


async def test_an_error_arrives_as_one_code_and_one_whole_error_info(
    service: GatedService, channel: grpc.aio.Channel
) -> None:
    async def fail(_: RpcContext) -> None:
        raise RateLimited("Too many", limit="requests_per_minute", retry_after_seconds=12)

    service.behaviour = fail
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call(channel, "Public")

    status = details(failure.value)
    assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure.value.details() == status.message == "Too many"
    assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    info = ErrorInfo()
    (packed,) = status.details
    assert packed.Unpack(info)
    assert (info.reason, info.domain) == ("RATE_LIMITED", "pantheon")
    assert dict(info.metadata) == {"limit": "requests_per_minute", "retry_after_seconds": "12"}


async def test_every_error_of_the_tree_arrives_as_what_it_is(service: GatedService, channel: grpc.aio.Channel) -> None:
    for kind in by_reason().values():
        error = kind.__new__(kind)
        PantheonError.__init__(error, f"This is {kind.reason}", field=kind.reason)

        async def fail(_: RpcContext, error: PantheonError = error) -> None:
            raise error

        service.behaviour = fail
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call(channel, "Public")
        arrived = error_from_rpc(failure.value)
        assert (type(arrived), arrived.message, arrived.metadata) == (kind, error.message, error.metadata)
        assert failure.value.code() is kind.code


async def test_a_stream_may_fail_after_its_first_answer(service: GatedService, channel: grpc.aio.Channel) -> None:
    async def fail(_: RpcContext) -> None:
        raise AccessDenied("No more", method="Watch", required="patience")

    service.behaviour = fail
    watch = call(channel, "Watch", as_("member"))
    assert await watch.read() == Empty()
    with refused(AccessDenied) as told:
        await watch.read()
    assert told["required"] == "patience"


@pytest.mark.parametrize("cause", (RuntimeError("password=hunter2"), TimeoutError("hunter2"), KeyError("hunter2")))
async def test_a_fault_hides_its_cause_and_tells_the_request_id(
    service: GatedService, channel: grpc.aio.Channel, cause: Exception
) -> None:
    async def fail(_: RpcContext) -> None:
        raise cause

    service.behaviour = fail
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call(channel, "Public", ((REQUEST_ID_KEY, "r-17"),))
    assert failure.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(details(failure.value))
    error = error_from_rpc(failure.value)
    assert isinstance(error, InternalFault)
    assert error.metadata == {"request_id": "r-17"}


async def test_a_request_id_goes_from_call_to_call(service: GatedService, channel: grpc.aio.Channel) -> None:
    seen = []

    async def remember(_: RpcContext) -> None:
        seen.append(structlog.contextvars.get_contextvars()["request_id"])

    service.behaviour = remember
    with structlog.contextvars.bound_contextvars(request_id="r-18"):
        await call(channel, "Public")
    await call(channel, "Public")
    await call(channel, "Public", ((REQUEST_ID_KEY, "x" * 100),))
    assert seen[0] == "r-18"
    assert len(seen[1]) == 36
    assert seen[2] == "x" * 64


@pytest.mark.parametrize(
    ("given", "kept"), (("r 18", "r 18"), ("x" * 63 + " x", "x" * 63), ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", ""))
)
async def test_a_request_id_is_kept_as_far_as_it_can_be_passed_on(service: GatedService, given: str, kept: str) -> None:
    seen = []

    async def pass_on(_: RpcContext) -> None:
        service.behaviour = remember
        async with service.channel() as onwards:
            await call(onwards, "Public")

    async def remember(_: RpcContext) -> None:
        seen.append(structlog.contextvars.get_contextvars()["request_id"])

    service.behaviour = pass_on
    async with H2Client.connected(service.target) as client:
        answer = await client.call(framed(b""), ((REQUEST_ID_KEY, given),), path=f"/{SERVICE}/Public")
    assert answer.code == 0
    assert seen[0] == kept if kept else len(seen[0]) == 36


class Waiting:
    """A method that waits for ever, and tells when it began and whether it was cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, _: RpcContext) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.mark.parametrize("method", ("Members", "Watch"))
async def test_a_call_without_a_deadline_gets_one(tmp_path: Path, method: str) -> None:
    async with gated_service(tmp_path / "keys", default_seconds=0.1) as service:
        service.people.known["member"] = MEMBER
        service.behaviour = waiting = Waiting()
        # A channel of ours would set a deadline of its own.
        async with grpc.aio.insecure_channel(service.target) as channel:
            running = call(channel, method, as_("member"))
            if method == "Watch":
                await running.read()
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await (running.read() if method == "Watch" else running)
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert isinstance(error_from_rpc(failure.value), DeadlinePassed)
        assert len(details(failure.value).details) == 1
        assert waiting.cancelled.is_set()


async def test_the_callers_deadline_ends_the_work(service: GatedService, channel: grpc.aio.Channel) -> None:
    service.behaviour = waiting = Waiting()
    with refused(DeadlinePassed):
        await call(channel, "Public", timeout=0.1)
    await asyncio.wait_for(waiting.cancelled.wait(), 5)


async def test_a_caller_who_leaves_ends_the_work(service: GatedService, channel: grpc.aio.Channel) -> None:
    service.behaviour = waiting = Waiting()
    leaving = call(channel, "Public")
    await asyncio.wait_for(waiting.began.wait(), 5)
    leaving.cancel()
    await asyncio.wait_for(waiting.cancelled.wait(), 5)


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call(channel, "Unheard", as_("administrator"))
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_health_and_reflection_are_open_to_anyone(service: GatedService) -> None:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    async with grpc.aio.insecure_channel(service.target) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        listed = await reflection.ServerReflectionInfo(iter((asked,))).read()
    assert SERVICE in {found.name for found in listed.list_services_response.service}


async def test_a_server_that_stops_finishes_what_runs(service: GatedService, channel: grpc.aio.Channel) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(_: RpcContext) -> None:
        began.set()
        await go_on.wait()

    service.behaviour = work
    running = asyncio.ensure_future(call(channel, "Public"))
    await asyncio.wait_for(began.wait(), 5)
    stopping = asyncio.create_task(service.server.stop(20))

    async def is_refused() -> bool:
        async with service.channel() as late:
            try:
                await call(late, "Public", timeout=1)
            except grpc.aio.AioRpcError as error:
                return error.code() is grpc.StatusCode.UNAVAILABLE
            return False

    await eventually(is_refused)
    go_on.set()
    assert await asyncio.wait_for(running, 5) == Empty()
    await asyncio.wait_for(stopping, 5)
