"""The catalog process: `python -m services.catalog`."""

from pathlib import Path

from pantheon.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from pantheon.events.v1 import change_feed_service_pb2, change_feed_service_pb2_grpc
from services.catalog.provider_requests import provider_client
from services.catalog.resources import SEALING_PURPOSE, Resources
from services.catalog.rotation import check_master_keys
from services.catalog.seed.load import load_models, load_providers
from services.catalog.seed_changes import Seed
from services.catalog.seeding import Surroundings, prepare
from services.catalog.servicer import CatalogServicer
from services.catalog.settings import CatalogSettings
from services.catalog.snapshot import snapshot
from services.catalog.tables import SCHEMA
from services.runtime.bus import Bus
from services.runtime.callers import follow_keys
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.outbox import ChangeFeedServicer, Outbox, OutboxRelay
from services.runtime.process import Process, run
from services.runtime.reachability import reached_database
from services.runtime.request_ids import keep_forgetting
from services.runtime.sealing import Sealer
from services.runtime.server import GrpcServer
from services.runtime.settings import environment

NAME = "catalog"
_CATALOG = catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name
_FEED = change_feed_service_pb2.DESCRIPTOR.services_by_name["ChangeFeedService"].full_name


async def serve(settings: CatalogSettings) -> None:
    """Runs until told to stop."""
    identity = ServiceIdentity.load(settings.service_keys, NAME)
    trust = ServiceTrust.load(settings.service_keys, NAME)
    dsn = settings.database_url.get_secret_value()
    async with Process(settings, NAME) as process:
        db = await reached_database(process, dsn, schema=SCHEMA, migrations=Path(__file__).with_name("migrations"))
        sealer = Sealer(settings.master_keys, SEALING_PURPOSE)
        await check_master_keys(db, sealer)
        outbox = Outbox(db, NAME)
        surroundings = Surroundings(environment(), settings.sandbox_url, settings.pepper)
        keys = await prepare(outbox, Seed(load_providers(), load_models()), surroundings)
        bus = Bus.open(settings.nats_url, name=NAME)
        process.on_stop(bus.close)
        process.run_task("outbox", OutboxRelay(outbox, bus).run())
        process.run_task("request_ids", keep_forgetting(db))
        http = provider_client()
        process.on_stop(http.aclose)
        servicer = CatalogServicer(Resources(outbox, keys, settings.pepper, sealer, settings.egress, http))
        server = GrpcServer(
            settings.listen,
            follow_keys(process, bus, settings, identity),
            trust,
            drain_seconds=settings.drain_seconds,
        )
        add_catalog, add_feed = catalog_service_pb2_grpc, change_feed_service_pb2_grpc
        server.add(add_catalog.add_CatalogServiceServicer_to_server, servicer, _CATALOG)
        server.add(add_feed.add_ChangeFeedServiceServicer_to_server, ChangeFeedServicer(db, snapshot), _FEED)
        await process.serve(server)
        await process.run()


if __name__ == "__main__":
    loaded = CatalogSettings.load()
    run(lambda: serve(loaded), loaded, NAME)
