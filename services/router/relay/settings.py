"""How the relay paces itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Times in seconds."""

    # Bounds of one message; less where the NATS server takes less.
    batch_bytes: int = 512 * 1024
    batch_records: int = 512
    # A message goes out at once when none is in flight; beside others only when it is full.
    most_in_flight: int = 4
    # Messages go out at least this far apart: a broker that acknowledges in less would be sent one for every record or
    # two. Nobody waits for a message: reports are to be fresh to the second. A relay that was idle does not wait.
    pace: float = 0.025
    # How long an acknowledgement may take.
    publish_timeout: float = 5.0
    # After a refused or unanswered message, doubled each time.
    least_backoff: float = 0.1
    most_backoff: float = 10.0
    # How often unconfirmed records are looked after.
    check_seconds: float = 3.0
    ask_timeout: float = 2.0
    # How long to ask for the watermark before the first message, lest half the spool be sent twice.
    first_ask_seconds: float = 5.0
    # How often the watermark is asked for where somebody waits for it: then, and by a drain that hears nothing.
    drain_ask_seconds: float = 0.5
    # How often spools are looked for that nobody uses any more.
    adopt_seconds: float = 10.0
