"""What one row of the ledger holds. The fields of the four parts together are the columns of table `ledger`.

Durations are microseconds, money is USD, None is unknown, which is not zero.
"""

from decimal import Decimal
from uuid import UUID

import msgspec

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, RowKind, Surface

NIL = UUID(int=0)
"""The `key_id` of attempts made with a login token."""


COUNTS = ("requests", "attempts", "failed", "estimated", "unpriced")
TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
MONEY = ("cost", "provider_reported_cost")
MEASURES = (*COUNTS, *TOKENS, *MONEY, "total_us")
"""What rows add up to in roll-ups; the first fields of Figures, in this order."""

SERIES_KEY = ("organisation_id", "project_id", "user_id", "key_id", "model", "provider", "sandbox")
"""Who used what; fields of Attempt."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """What was known when the attempt started."""

    request_id: UUID
    attempt_id: UUID
    attempt_number: int
    organisation_id: UUID
    project_id: UUID
    user_id: UUID
    key_id: UUID
    model: str
    provider: str
    sandbox: bool
    tags: dict[str, str]
    provider_model_id: str
    surface: Surface.ValueType
    stream: bool


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How it ended."""

    final: bool
    outcome: Outcome.ValueType
    state: LedgerState.ValueType
    served_model: str
    finish_reason: str
    error_reason: ErrorReason.ValueType
    http_status: int
    provider_response_id: str
    price_version_id: str
    price_override_id: str


class Figures(msgspec.Struct, frozen=True, gc=False):
    """What the row adds to whatever it counts in: 0 or 1 and the figures themselves, or differences.

    `total_sample_us` and `ttft_sample_us` are the durations it adds to the latency histograms.
    """

    requests: int = 0
    attempts: int = 0
    failed: int = 0
    estimated: int = 0
    unpriced: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    provider_reported_cost: Decimal | None = None
    total_us: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    ttft_us: int | None = None
    total_sample_us: int | None = None
    ttft_sample_us: int | None = None
    cache_write_1h_tokens: int | None = None
    cached_audio_tokens: int | None = None
    prompt_image_tokens: int | None = None
    cached_image_tokens: int | None = None
    prompt_video_tokens: int | None = None
    completion_image_tokens: int | None = None
    web_searches: int | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One row; `adjusts_id` is set for adjustments only."""

    id: UUID
    kind: RowKind.ValueType
    adjusts_id: UUID | None
    attempt: Attempt
    ending: Ending
    figures: Figures

    @property
    def milliseconds(self) -> int:
        """When the attempt started: Unix milliseconds."""
        return self.id.int >> 80
