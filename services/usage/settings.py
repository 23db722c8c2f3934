"""Settings of the usage process."""

from datetime import timedelta
from typing import Annotated

from annotated_types import Ge
from pydantic import SecretStr

from services.runtime.callers import CallerSettings


class UsageSettings(CallerSettings):
    """See `CallerSettings`."""

    listen: str = "127.0.0.1:50053"
    database_url: SecretStr
    longest_attempt: timedelta = timedelta(minutes=30)
    """The longest an attempt may take in any router. One that is older, of a spool that has been silent for as long, is
    settled as an estimate. Seconds, or ISO 8601 as PT30M."""
    ledger_retention_days: Annotated[int, Ge(32)] = 1_096
    """How long ledger rows are kept, by the month; older events are dead letters. Roll-ups stay."""

    @property
    def retention(self) -> timedelta:
        """How long ledger rows are kept."""
        return timedelta(days=self.ledger_retention_days)
