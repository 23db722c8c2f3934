"""The tables of schema `usage`, as the reports query them. The migrations make them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSONB

from services.usage.entry import COUNTS, MEASURES, MONEY, SERIES_KEY, TOKENS

SCHEMA = "usage"

METADATA = MetaData(schema=SCHEMA)


def _series_key() -> list[Column[object]]:
    ids = [Column(name, Uuid, nullable=False) for name in SERIES_KEY[:4]]
    return [
        *ids,
        Column("model", Text, nullable=False),
        Column("provider", Text, nullable=False),
        Column("sandbox", Boolean, nullable=False),
    ]


def _measures() -> list[Column[object]]:
    return [Column(name, Numeric if name in MONEY else BigInteger, nullable=name in MONEY) for name in MEASURES]


LEDGER = Table(
    "ledger",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("started_at", DateTime(timezone=True), Computed("uuid_extract_timestamp(id)", persisted=False)),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("adjusts_id", Uuid),
    Column("request_id", Uuid, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("attempt_number", Integer, nullable=False),
    Column("final", Boolean, nullable=False),
    *_series_key(),
    Column("tags", JSONB, nullable=False),
    Column("provider_model_id", Text, nullable=False),
    Column("surface", SmallInteger, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("served_model", Text, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("finish_reason", Text, nullable=False),
    Column("error_reason", SmallInteger, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("provider_response_id", Text, nullable=False),
    Column("price_version_id", Text, nullable=False),
    Column("price_override_id", Text, nullable=False),
    Column("prompt_audio_tokens", BigInteger),
    Column("completion_audio_tokens", BigInteger),
    Column("cache_write_1h_tokens", BigInteger),
    Column("cached_audio_tokens", BigInteger),
    Column("prompt_image_tokens", BigInteger),
    Column("cached_image_tokens", BigInteger),
    Column("prompt_video_tokens", BigInteger),
    Column("completion_image_tokens", BigInteger),
    Column("web_searches", BigInteger),
    Column("ttft_us", BigInteger),
    *[Column(name, SmallInteger, nullable=False) for name in COUNTS],
    *[Column(name, BigInteger) for name in TOKENS],
    *[Column(name, Numeric) for name in MONEY],
    Column("total_us", BigInteger),
    Column("total_sample_us", BigInteger),
    Column("ttft_sample_us", BigInteger),
)

SERIES = Table("series", METADATA, Column("id", BigInteger, primary_key=True), *_series_key())

ROLLUP = Table(
    "rollup",
    METADATA,
    Column("bucket", DateTime(timezone=True), primary_key=True),
    Column("series_id", BigInteger, primary_key=True),
    *_measures(),
)

TAG_ROLLUP = Table(
    "tag_rollup",
    METADATA,
    Column("bucket", DateTime(timezone=True), primary_key=True),
    Column("series_id", BigInteger, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    *_measures(),
)

HISTOGRAM = Table(
    "histogram",
    METADATA,
    Column("bucket", DateTime(timezone=True), primary_key=True),
    Column("series_id", BigInteger, primary_key=True),
    Column("metric", SmallInteger, primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("sum_us", BigInteger, nullable=False),
)

SPOOL = Table(
    "spool",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("received", INT8MULTIRANGE, nullable=False),
    Column("committed_through", BigInteger, nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
)

OPEN_ATTEMPT = Table(
    "open_attempt",
    METADATA,
    Column("finish_id", Uuid, primary_key=True),
    Column("spool_id", Uuid, nullable=False),
    Column("started", LargeBinary, nullable=False),
)

UNDISPATCHED_ATTEMPT = Table("undispatched_attempt", METADATA, Column("finish_id", Uuid, primary_key=True))

DEAD_LETTER = Table(
    "dead_letter",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("spool_id", Uuid),
    Column("number", BigInteger),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
