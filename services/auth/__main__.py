"""The auth process: `python -m services.auth`."""

from datetime import timedelta

from pantheon.auth.v1 import auth_service_pb2, auth_service_pb2_grpc
from pantheon.events.v1 import change_feed_service_pb2, change_feed_service_pb2_grpc
from services.auth import schema, signing
from services.auth.authenticator import OwnAuthenticator
from services.auth.passwords import Passwords
from services.auth.resources import Resources
from services.auth.servicer import AuthServicer
from services.auth.settings import AuthSettings
from services.auth.snapshot import snapshot
from services.auth.tokens import TokenIssuer
from services.runtime import times
from services.runtime.bus import Bus
from services.runtime.identity import ServiceTrust
from services.runtime.outbox import ChangeFeedServicer, Outbox, OutboxRelay
from services.runtime.process import Process, run
from services.runtime.reachability import reached_database
from services.runtime.request_ids import keep_forgetting
from services.runtime.sealing import Sealer
from services.runtime.server import GrpcServer

NAME = "auth"
_AUTH = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"].full_name
_FEED = change_feed_service_pb2.DESCRIPTOR.services_by_name["ChangeFeedService"].full_name


async def serve(settings: AuthSettings) -> None:
    """Runs until told to stop."""
    trust = ServiceTrust.load(settings.service_keys, NAME)
    async with Process(settings, NAME) as process:
        dsn = settings.database_url.get_secret_value()
        db = await reached_database(process, dsn, schema=schema.NAME, migrations=schema.MIGRATIONS)
        sealer = Sealer(settings.master_keys, signing.PURPOSE)
        passwords = Passwords()
        process.on_stop(passwords.close)
        keys = await signing.load_signing(db, sealer, times.now())
        issuer = TokenIssuer(keys.key, timedelta(seconds=settings.token_seconds))
        outbox = Outbox(db, NAME)
        bus = Bus.open(settings.nats_url, name=NAME)
        process.on_stop(bus.close)
        process.run_task("outbox", OutboxRelay(outbox, bus).run())
        process.run_task("request_ids", keep_forgetting(db))
        server = GrpcServer(
            settings.listen,
            OwnAuthenticator(db, settings.pepper, keys.trusted),
            trust,
            drain_seconds=settings.drain_seconds,
        )
        servicer = AuthServicer(Resources(outbox, passwords, issuer, keys.published, settings.pepper, sealer))
        server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, servicer, _AUTH)
        add_feed = change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server
        server.add(add_feed, ChangeFeedServicer(db, snapshot), _FEED)
        await process.serve(server)
        await process.run()


if __name__ == "__main__":
    loaded = AuthSettings.load()
    run(lambda: serve(loaded), loaded, NAME)
