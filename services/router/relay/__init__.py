"""The relay: brings a spool's records to JetStream, again and again, until the ledger says that it has them."""

from services.router.relay.confirmation import AskWatermark
from services.router.relay.relay import Relay
from services.router.relay.settings import RelaySettings

__all__ = ["AskWatermark", "Relay", "RelaySettings"]
