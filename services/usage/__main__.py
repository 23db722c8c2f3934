"""The usage process: `python -m services.usage`."""

from functools import partial

from pantheon.usage.v1 import usage_service_pb2, usage_service_pb2_grpc
from services.runtime.bus import Bus
from services.runtime.callers import follow_keys
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.process import Process, run
from services.runtime.reachability import reached_database
from services.runtime.server import GrpcServer
from services.usage import metrics
from services.usage.intake import Intake
from services.usage.schema import MIGRATIONS
from services.usage.servicer import UsageServicer
from services.usage.settings import UsageSettings
from services.usage.tables import SCHEMA

NAME = "usage"
_USAGE = usage_service_pb2.DESCRIPTOR.services_by_name["UsageService"].full_name


async def serve(settings: UsageSettings) -> None:
    """Runs until told to stop."""
    identity = ServiceIdentity.load(settings.service_keys, NAME)
    trust = ServiceTrust.load(settings.service_keys, NAME)
    dsn = settings.database_url.get_secret_value()
    async with Process(settings, NAME) as process:
        db = await reached_database(process, dsn, schema=SCHEMA, migrations=MIGRATIONS)
        bus = Bus.open(settings.nats_url, name=NAME)
        process.on_stop(bus.close)
        # Not a matter of readiness: reports and watermarks are served while NATS is away.
        metrics.NATS_CONNECTED.set_function(lambda: bus.connected)
        server = GrpcServer(
            settings.listen,
            follow_keys(process, bus, settings, identity),
            trust,
            drain_seconds=settings.drain_seconds,
        )
        server.add(usage_service_pb2_grpc.add_UsageServiceServicer_to_server, UsageServicer(db), _USAGE)
        intake = Intake.of(db, bus, retention=settings.retention, longest_seconds=settings.longest_attempt)
        process.run_task("usage.partitions", intake.partitions.maintain())
        process.run_task("usage.sweeper", intake.sweeper.run())
        process.run_task("usage.consumer", intake.consumer.run())
        process.on_stop(partial(intake.consumer.stop, settings.drain_seconds))
        await process.serve(server)
        await process.run()


if __name__ == "__main__":
    loaded = UsageSettings.load()
    run(lambda: serve(loaded), loaded, NAME)
