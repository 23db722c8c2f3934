"""A service with a method for each kind of access rule, declared and served the way generated ones are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, MethodDescriptorProto
from google.protobuf.empty_pb2 import Empty

from pantheon.auth.v1 import access_pb2
from pantheon.auth.v1.access_pb2 import AccessRule, Role, Scope
from services.runtime.auth import Principal
from services.runtime.client import connect
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ServiceIdentity, ServiceTrust, generate
from services.runtime.rpc import RpcContext
from services.runtime.server import GrpcServer

NAME = "gated"
SERVICE = "pantheon.gated.v1.GatedService"
MEMBERS = AccessRule(audience=access_pb2.AUDIENCE_USER, role=Role.ROLE_MEMBER, scope=Scope.SCOPE_INFERENCE)
RULES: dict[str, AccessRule | None] = {
    "Public": AccessRule(audience=access_pb2.AUDIENCE_PUBLIC),
    "Internal": AccessRule(audience=access_pb2.AUDIENCE_SERVICE, services=["router"]),
    "Closed": AccessRule(audience=access_pb2.AUDIENCE_SERVICE),
    "Members": MEMBERS,
    "Watch": MEMBERS,
    "Administrators": AccessRule(
        audience=access_pb2.AUDIENCE_USER, role=Role.ROLE_ORGANISATION_ADMIN, scope=Scope.SCOPE_ADMIN
    ),
    "Ruleless": None,
    "Roleless": AccessRule(audience=access_pb2.AUDIENCE_USER, scope=Scope.SCOPE_INFERENCE),
}

Behaviour = Callable[[RpcContext], Awaitable[None]]


def declare() -> None:
    """Makes the service known to the process's descriptors, once."""
    file = FileDescriptorProto(name="pantheon/gated/v1/gated_service.proto", package="pantheon.gated.v1")
    file.dependency.extend(("google/protobuf/empty.proto", "pantheon/auth/v1/access.proto"))
    service = file.service.add(name="GatedService")
    for name, rule in RULES.items():
        empty = ".google.protobuf.Empty"
        method = MethodDescriptorProto(name=name, input_type=empty, output_type=empty)
        method.server_streaming = name == "Watch"
        if rule is not None:
            method.options.Extensions[access_pb2.access].CopyFrom(rule)
        service.method.append(method)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


class People:
    """Knows callers by the credential they are given."""

    def __init__(self) -> None:
        self.known: dict[str, Principal] = {}

    async def authenticate(self, credential: str) -> Principal:
        if credential not in self.known:
            raise CredentialsInvalid
        return self.known[credential]


class GatedService:
    """The service while it runs. What its methods do is `behaviour`; a stream answers once before it does that."""

    def __init__(self, directory: Path, default_seconds: float) -> None:
        generate(directory, ("router", "usage"))
        self.people = People()
        self.behaviour: Behaviour | None = None
        self.server = GrpcServer(
            "127.0.0.1:0",
            self.people,
            ServiceTrust.load(directory, NAME),
            default_seconds=default_seconds,
            drain_seconds=20,
        )
        self.server.add(
            lambda handlers, server: server.add_registered_method_handlers(SERVICE, handlers), self._handlers(), SERVICE
        )
        self._directory = directory

    def channel(self, service: str = "", audience: str = NAME) -> grpc.aio.Channel:
        """To the service, with the identity of another one if it is named, for itself or whom else is named."""
        identity = ServiceIdentity.load(self._directory, service) if service else None
        return connect(self.target, identity, audience)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    async def _unary(self, _: Empty, context: RpcContext) -> Empty:
        if self.behaviour is not None:
            await self.behaviour(context)
        return Empty()

    async def _stream(self, _: Empty, context: RpcContext) -> AsyncIterator[Empty]:
        yield Empty()
        if self.behaviour is not None:
            await self.behaviour(context)
        yield Empty()

    def _handlers(self) -> dict[str, Any]:
        coding = {"request_deserializer": Empty.FromString, "response_serializer": Empty.SerializeToString}
        unary: Any = grpc.unary_unary_rpc_method_handler
        stream: Any = grpc.unary_stream_rpc_method_handler
        return {
            name: stream(self._stream, **coding) if name == "Watch" else unary(self._unary, **coding) for name in RULES
        }


@asynccontextmanager
async def gated_service(directory: Path, *, default_seconds: float = 30.0) -> AsyncIterator[GatedService]:
    """Serves on a free port until the block ends."""
    service = GatedService(directory, default_seconds)
    await service.server.start()
    try:
        yield service
    finally:
        await service.server.stop(1)


declare()
