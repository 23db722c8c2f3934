"""The ledger, what is derived from it, and how much of each spool it holds."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What a row says, column by column. Everything from `requests` on is what the row adds to its group, so that a roll-up
# is the plain sum of its rows, adjustments included. The nil UUID as `key_id` is a login token.
ENTRY = {
    "id": "uuid NOT NULL",
    "kind": "smallint NOT NULL",
    "adjusts_id": "uuid",
    "request_id": "uuid NOT NULL",
    "attempt_id": "uuid NOT NULL",
    "attempt_number": "integer NOT NULL",
    "organisation_id": "uuid NOT NULL",
    "project_id": "uuid NOT NULL",
    "user_id": "uuid NOT NULL",
    "key_id": "uuid NOT NULL",
    "model": "text NOT NULL",
    "provider": "text NOT NULL",
    "sandbox": "boolean NOT NULL",
    "tags": "jsonb NOT NULL",
    "provider_model_id": "text NOT NULL",
    "surface": "smallint NOT NULL",
    "stream": "boolean NOT NULL",
    "final": "boolean NOT NULL",
    "outcome": "smallint NOT NULL",
    "state": "smallint NOT NULL",
    "served_model": "text NOT NULL",
    "finish_reason": "text NOT NULL",
    "error_reason": "smallint NOT NULL",
    "http_status": "integer NOT NULL",
    "provider_response_id": "text NOT NULL",
    "price_version_id": "text NOT NULL",
    "requests": "smallint NOT NULL",
    "attempts": "smallint NOT NULL",
    "failed": "smallint NOT NULL",
    "estimated": "smallint NOT NULL",
    "unpriced": "smallint NOT NULL",
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
}

# Rows are only ever added.
LEDGER = f"""
CREATE TABLE ledger (
    {", ".join(f"{column} {kind}" for column, kind in ENTRY.items())},
    started_at timestamptz GENERATED ALWAYS AS (uuid_extract_timestamp(id)) VIRTUAL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    CONSTRAINT ledger_adjusts CHECK ((kind = 2) = (adjusts_id IS NOT NULL)),
    CONSTRAINT ledger_counts CHECK (kind = 2 OR (requests = final::int AND unpriced = (cost IS NULL)::int))
) PARTITION BY RANGE (id)
"""

# Rows are sent as an array of these: half the work of an array for each column.
LEDGER_ENTRY = f"""
CREATE TYPE ledger_entry AS (
    {", ".join(f"{column} {kind.partition(' ')[0]}" for column, kind in ENTRY.items())}
)
"""

# Who used what: the dimensions of every roll-up, written once.
SERIES = """
CREATE TABLE series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL,
    project_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key_id uuid NOT NULL,
    model text NOT NULL,
    provider text NOT NULL,
    sandbox boolean NOT NULL,
    UNIQUE (organisation_id, project_id, user_id, key_id, model, provider, sandbox)
)
"""

MEASURES = """
    requests bigint NOT NULL,
    attempts bigint NOT NULL,
    failed bigint NOT NULL,
    estimated bigint NOT NULL,
    unpriced bigint NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost numeric,
    provider_reported_cost numeric,
    total_us bigint NOT NULL
"""

# Rows near the present are updated with every batch: the room left in their pages keeps those updates out of the
# indexes (heap-only tuples).
ROOM_FOR_UPDATES = "WITH (fillfactor = 70)"

ROLLUPS = (
    f"""
    CREATE TABLE rollup (
        bucket timestamptz NOT NULL,
        series_id bigint NOT NULL REFERENCES series,
        {MEASURES},
        PRIMARY KEY (bucket, series_id)
    ) {ROOM_FOR_UPDATES}
    """,
    "CREATE INDEX rollup_series ON rollup (series_id, bucket)",
    f"""
    CREATE TABLE tag_rollup (
        bucket timestamptz NOT NULL,
        series_id bigint NOT NULL REFERENCES series,
        tag text NOT NULL,
        value text NOT NULL,
        {MEASURES},
        PRIMARY KEY (tag, bucket, series_id, value)
    ) {ROOM_FOR_UPDATES}
    """,
    "CREATE INDEX tag_rollup_series ON tag_rollup (series_id, bucket)",
    f"""
    CREATE TABLE histogram (
        bucket timestamptz NOT NULL,
        series_id bigint NOT NULL REFERENCES series,
        metric smallint NOT NULL,
        slot smallint NOT NULL,
        count bigint NOT NULL,
        sum_us bigint NOT NULL,
        PRIMARY KEY (bucket, series_id, metric, slot)
    ) {ROOM_FOR_UPDATES}
    """,
    "CREATE INDEX histogram_series ON histogram (series_id, bucket)",
)

SPOOLS = (
    """
    CREATE TABLE spool (
        id uuid PRIMARY KEY,
        received int8multirange NOT NULL DEFAULT '{}',
        committed_through bigint NOT NULL DEFAULT 0,
        last_seen timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 70)
    """,
    # STARTs whose FINISH has not come. `started` is the serialised CompletionStarted.
    """
    CREATE TABLE open_attempt (
        finish_id uuid PRIMARY KEY,
        spool_id uuid NOT NULL REFERENCES spool,
        started bytea NOT NULL
    )
    """,
    # FINISHes of attempts that were never sent: all that is left of them, should their START come later.
    "CREATE TABLE undispatched_attempt (finish_id uuid PRIMARY KEY)",
    # What could not be booked: an event, or a whole message where even that could not be told apart.
    """
    CREATE TABLE dead_letter (
        digest bytea PRIMARY KEY,
        received_at timestamptz NOT NULL DEFAULT now(),
        spool_id uuid,
        number bigint,
        reason text NOT NULL,
        payload bytea NOT NULL
    )
    """,
)


def upgrade() -> None:
    op.execute(LEDGER)
    op.execute(LEDGER_ENTRY)
    op.execute("CREATE INDEX ledger_user ON ledger (user_id, id)")
    op.execute("CREATE INDEX ledger_request ON ledger (request_id)")
    op.execute(SERIES)
    for statement in (*ROLLUPS, *SPOOLS):
        op.execute(statement)
