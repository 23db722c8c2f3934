"""Settings of the usage process."""

from datetime import timedelta

from pydantic import Field, SecretStr

from services.runtime.callers import CallerSettings


class UsageSettings(CallerSettings):
    """See `CallerSettings`."""

    listen: str = "127.0.0.1:50053"
    database_url: SecretStr
    longest_attempt: float = Field(default=1_800.0, gt=0)
    """Seconds an attempt may take at most, in any router. One that is older, of a spool that has been silent for as
    long, is settled as an estimate."""
    ledger_retention_days: int = Field(default=1_096, ge=32)
    """How long ledger rows are kept, by the month; older events are dead letters. Roll-ups stay."""

    @property
    def retention(self) -> timedelta:
        """How long ledger rows are kept."""
        return timedelta(days=self.ledger_retention_days)
