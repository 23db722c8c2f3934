"""The operator's say in what users may have Pantheon connect to."""

from pydantic import field_validator

from services.runtime.egress.policy import EgressPolicy
from services.runtime.settings import ServiceSettings


class EgressSettings(ServiceSettings):
    """Settings of a process that connects to where users point it. To be inherited beside other settings."""

    egress_allow: str = ""
    """Comma-separated CIDRs, addresses, hosts, each but a CIDR perhaps with a port; see `EgressPolicy`."""

    @field_validator("egress_allow")
    @classmethod
    def _is_a_policy(cls, value: str) -> str:
        EgressPolicy.parse(value)
        return value

    @property
    def egress(self) -> EgressPolicy:
        """What may be connected to."""
        return EgressPolicy.parse(self.egress_allow)
