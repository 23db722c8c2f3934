"""The router process: `python -m services.router`."""

from pantheon.router.v1 import router_service_pb2, router_service_pb2_grpc
from services.router.api.admission import RUNNING, Admission
from services.router.api.grpc import RouterServicer
from services.router.api.http import MAX_BODY_BYTES
from services.router.api.routes import http_api
from services.router.engine import Engine
from services.router.ledger import watermarks_from
from services.router.lost import rate_lost
from services.router.secret_keys import CatalogSource, SecretKeys
from services.router.settings import RouterSettings
from services.router.snapshot import follow_catalog
from services.router.spools import Spools
from services.router.trial.unsaved import checked_by
from services.router.upstream import Timeouts
from services.router.upstreams import Upstreams
from services.runtime.auth import Authenticator
from services.runtime.bus import Bus
from services.runtime.callers import follow_keys
from services.runtime.client import connect
from services.runtime.http import HttpServer
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.process import Process, run
from services.runtime.server import GrpcServer
from services.runtime.settings import host_and_port

NAME = "router"
# What the ledger has not confirmed by then waits on disk. With the surfaces' grace and the engine's it stays below the
# 30 seconds that Kubernetes gives.
_SPOOL_DRAIN_SECONDS = 4.0
_SERVICE = router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name


async def serve(settings: RouterSettings) -> None:
    """Runs until told to stop. What is closed first stands last: surfaces, attempts, journal, connections."""
    identity = ServiceIdentity.load(settings.service_keys, NAME)
    async with Process(settings, NAME) as process:
        bus = Bus.open(settings.nats_url, name=NAME)
        process.on_stop(bus.close)
        catalog = connect(settings.catalog_address, identity, "catalog")
        process.on_stop(catalog.close)
        usage = connect(settings.usage_address, identity, "usage")
        process.on_stop(usage.close)
        callers = follow_keys(process, bus, settings, identity, settings.cache_dir / "auth")
        snapshot = await follow_catalog(process, bus, catalog, settings.cache_dir / "catalog", settings.max_staleness)
        keys = SecretKeys(CatalogSource(catalog), snapshot.wanted)
        process.run_task("router.keys", keys.keep())
        process.run_task("router.key_reports", keys.report())
        process.ready_when("provider keys", keys.providers.loaded.is_set)

        spools = await Spools.open(
            settings.spool_dir, bus, watermarks_from(usage), rate=rate_lost(snapshot), limits=settings.journal_limits
        )
        process.on_stop(spools.close)
        process.run_task("router.spools", spools.run())
        process.on_stop(lambda: spools.drain(_SPOOL_DRAIN_SECONDS))
        process.ready_when("journal", spools.ready)
        upstreams = Upstreams(Timeouts(settings.connect_seconds, settings.read_seconds), settings.egress)
        process.on_stop(upstreams.close)
        engine = Engine(snapshot, keys, spools.journal, upstreams, longest_seconds=settings.longest_attempt)
        process.on_stop(engine.settled)

        admission = Admission(settings.max_concurrent_requests)
        RUNNING.set_function(lambda: admission.running)
        await process.serve(_grpc_server(settings, callers, RouterServicer(engine, checked_by(catalog), admission)))
        host, port = host_and_port(settings.http_listen, "PANTHEON_HTTP_LISTEN")
        await process.serve(HttpServer(http_api(engine, callers, snapshot, admission), host, port, name="http"))
        await process.run()


def _grpc_server(settings: RouterSettings, callers: Authenticator, servicer: RouterServicer) -> GrpcServer:
    server = GrpcServer(
        settings.grpc_listen,
        callers,
        ServiceTrust.load(settings.service_keys, NAME),
        default_seconds=settings.longest_attempt,
        most_bytes=4 * MAX_BODY_BYTES,  # beyond it no reason is given; the servicer gives one below it
        drain_seconds=settings.drain_seconds,
    )
    server.add(router_service_pb2_grpc.add_RouterServiceServicer_to_server, servicer, _SERVICE)
    return server


if __name__ == "__main__":
    loaded = RouterSettings.load()
    run(lambda: serve(loaded), loaded, NAME)
