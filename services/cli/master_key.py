"""`pantheon keys rotate-master`: everything that is kept encrypted, under the present master key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pantheon.auth.v1 import auth_service_pb2, auth_service_pb2_grpc
from pantheon.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from services.cli.calling import Caller
from services.cli.output import console, count, print_json, table
from services.cli.running import CommandFailed

_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Rotated:
    """One service: how many secrets it sealed anew, how many were under the present master key already."""

    service: str
    resealed: int
    current: int


async def rotate(auth: Caller, catalog: Caller, *, as_json: bool) -> None:
    """Has each service seal anew what it keeps. What is cut short is finished by doing it again."""
    done = [await _rotated("auth", auth, _of_auth), await _rotated("catalog", catalog, _of_catalog)]
    if as_json:
        print_json(done)
        return
    made = table("service", "sealed anew", "current already", right=("sealed anew", "current already"))
    for entry in done:
        made.add_row(entry.service, count(entry.resealed), count(entry.current))
    console().print(made)
    console(stderr=True).print(
        "PANTHEON_MASTER_KEY can be cut to its first key once every replica was started with it."
    )


async def _rotated(service: str, caller: Caller, call: Callable[[Caller], Awaitable[Any]]) -> Rotated:
    try:
        async with caller:
            answer = await call(caller)
    except CommandFailed as failure:
        raise CommandFailed(f"{service}: {failure}") from None
    return Rotated(service, answer.resealed, answer.current)


async def _of_auth(caller: Caller) -> Any:
    stub = auth_service_pb2_grpc.AuthServiceStub(caller.channel)
    return await caller.call(stub.RotateMasterKey, auth_service_pb2.RotateMasterKeyRequest(), _SECONDS)


async def _of_catalog(caller: Caller) -> Any:
    stub = catalog_service_pb2_grpc.CatalogServiceStub(caller.channel)
    return await caller.call(stub.RotateMasterKey, catalog_service_pb2.RotateMasterKeyRequest(), _SECONDS)
