"""Settings of a sandbox process."""

from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings


class SandboxSettings(ServiceSettings):
    """Read from `PANTHEON_SANDBOX_...`, as `PANTHEON_SANDBOX_LISTEN`; arguments win over the environment."""

    sandbox_listen: str = "127.0.0.1:8099"
    """`host:port`; port 0 takes a free one."""
    sandbox_seed: int = 0
    """Answers are the same for the same seed and request."""
    sandbox_log: Path | None = None
    """File to append the request log to, as JSON lines."""
    sandbox_first_token_ms: float = Field(default=5.0, ge=0)
    """Milliseconds from a request's arrival to its first token."""
    sandbox_tokens_per_second: float = Field(default=2000.0, ge=0)
    """Pace of each choice after that; 0 for all at once."""
    sandbox_keep_requests: int = Field(default=100_000, ge=1)
    """Records kept in memory, the newest."""
    sandbox_keep_bodies: int = Field(default=0, ge=0)
    """Requests whose headers and body are kept in memory too, the newest; none by default, for they hold prompts."""
