"""Which price override changed a row's prices, and what else providers count and charge for.

Rows are sent as a type of their own from now on: replicas of the version before go on with the type they know.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What a row is sent as: the columns of `ledger` in the order in which this version writes them.
ENTRY = {
    "id": "uuid",
    "kind": "smallint",
    "adjusts_id": "uuid",
    "request_id": "uuid",
    "attempt_id": "uuid",
    "attempt_number": "integer",
    "organisation_id": "uuid",
    "project_id": "uuid",
    "user_id": "uuid",
    "key_id": "uuid",
    "model": "text",
    "provider": "text",
    "sandbox": "boolean",
    "tags": "jsonb",
    "provider_model_id": "text",
    "surface": "smallint",
    "stream": "boolean",
    "final": "boolean",
    "outcome": "smallint",
    "state": "smallint",
    "served_model": "text",
    "finish_reason": "text",
    "error_reason": "smallint",
    "http_status": "integer",
    "provider_response_id": "text",
    "price_version_id": "text",
    "price_override_id": "text",
    "requests": "smallint",
    "attempts": "smallint",
    "failed": "smallint",
    "estimated": "smallint",
    "unpriced": "smallint",
    "prompt_tokens": "bigint",
    "completion_tokens": "bigint",
    "cached_tokens": "bigint",
    "cache_write_tokens": "bigint",
    "reasoning_tokens": "bigint",
    "cost": "numeric",
    "provider_reported_cost": "numeric",
    "total_us": "bigint",
    "prompt_audio_tokens": "bigint",
    "completion_audio_tokens": "bigint",
    "ttft_us": "bigint",
    "total_sample_us": "bigint",
    "ttft_sample_us": "bigint",
    "cache_write_1h_tokens": "bigint",
    "cached_audio_tokens": "bigint",
    "prompt_image_tokens": "bigint",
    "cached_image_tokens": "bigint",
    "prompt_video_tokens": "bigint",
    "completion_image_tokens": "bigint",
    "web_searches": "bigint",
}

COUNTS = (
    "cache_write_1h_tokens",
    "cached_audio_tokens",
    "prompt_image_tokens",
    "cached_image_tokens",
    "prompt_video_tokens",
    "completion_image_tokens",
    "web_searches",
)

# The default is for what replicas of the version before still write.
LEDGER = f"""
ALTER TABLE ledger
    ADD COLUMN price_override_id text NOT NULL DEFAULT '',
    {", ".join(f"ADD COLUMN {name} bigint" for name in COUNTS)}
"""

LEDGER_ENTRY = f"CREATE TYPE ledger_entry_2 AS ({', '.join(f'{column} {kind}' for column, kind in ENTRY.items())})"


def upgrade() -> None:
    op.execute(LEDGER)
    op.execute(LEDGER_ENTRY)
