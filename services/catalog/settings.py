"""Settings of the catalog process."""

from pydantic import SecretStr, field_validator

from services.catalog.addresses import base_url
from services.runtime.callers import CallerSettings
from services.runtime.egress import EgressSettings
from services.runtime.sealing import SealingSettings


class CatalogSettings(CallerSettings, SealingSettings, EgressSettings):
    """Beside these, each provider's own key and base URL variables are read; see `providers.py`."""

    listen: str = "127.0.0.1:50052"
    database_url: SecretStr
    sandbox_url: str = ""
    """Where the sandbox is; not empty: all providers are simulated."""

    @field_validator("sandbox_url")
    @classmethod
    def _is_base_url(cls, value: str) -> str:
        return base_url(value) if value else ""
