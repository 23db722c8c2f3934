"""Settings of the router process."""

from pathlib import Path

from pydantic import Field

from services.router.journal import JournalLimits
from services.runtime.callers import CallerSettings
from services.runtime.egress import EgressSettings

_MIB = 1024 * 1024


class RouterSettings(CallerSettings, EgressSettings):
    """Addresses are "host:port", times are seconds, sizes are bytes."""

    grpc_listen: str = "127.0.0.1:50051"
    http_listen: str = "127.0.0.1:8080"
    catalog_address: str = "127.0.0.1:50052"
    usage_address: str = "127.0.0.1:50053"
    spool_dir: Path = Path("spool")
    """Where journals lie, one directory a spool. On a disk that outlives the process."""
    spool_bytes: int = Field(default=1024 * _MIB, ge=32 * _MIB)
    """How much one spool may hold; beyond that new work is refused."""
    cache_dir: Path = Path("cache")
    """Where the last snapshots lie, for a start without auth or catalog."""
    connect_seconds: float = Field(default=5.0, gt=0)
    """To connect to a provider."""
    read_seconds: float = Field(default=300.0, gt=0)
    """To wait for a provider's status line, or between two pieces of its answer."""
    longest_attempt: float = Field(default=1_800.0, gt=0)
    """An attempt takes no longer; the usage service settles what is older than its own setting of this name."""
    max_concurrent_requests: int = Field(default=4_096, ge=1)
    """How many requests are served at once, over HTTP and gRPC together; one more is refused at once."""

    @property
    def journal_limits(self) -> JournalLimits:
        """How much the journal may hold."""
        return JournalLimits(spool_bytes=self.spool_bytes)
