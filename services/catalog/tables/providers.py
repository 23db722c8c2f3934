"""Providers and their keys."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from services.catalog.tables.schema import ID, METADATA, TIME

PROVIDERS = Table(
    "providers",
    METADATA,
    Column("name", ID, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("default_base_url", Text, nullable=False),
    Column("wire_format", SmallInteger, nullable=False),
    Column("auth_style", SmallInteger, nullable=False),
    Column("models_url", Text, nullable=False),
    Column("key_variable", Text, nullable=False),
    Column("base_url_variable", Text, nullable=False),
    Column("reports_cost", Boolean, nullable=False),
    Column("aggregates_vendors", Boolean, nullable=False),
    Column("streams_usage_unasked", Boolean, nullable=False),
    Column("renames_max_tokens", Boolean, nullable=False),
    Column("serves_responses", Boolean, nullable=False),
    Column("wants_reasoning_back", Boolean, nullable=False),
    Column("key_check_url", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    # Of the keys in the environment, and how many they are.
    Column("key_fingerprint", LargeBinary, nullable=False),
    Column("environment_keys", Integer, nullable=False),
    # Of the row that the seed wrote last; NULL: not from the seed.
    Column("seed_digest", LargeBinary),
)

PROVIDER_KEYS = Table(
    "provider_keys",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("provider", ID, ForeignKey("catalog.providers.name"), nullable=False),
    # NULL: the platform's.
    Column("organisation_id", Uuid(as_uuid=False)),
    Column("label", Text, nullable=False),
    Column("last_four", Text, nullable=False),
    # HMAC-SHA256 under the pepper: the same key is not set twice.
    Column("fingerprint", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("user_id", Uuid(as_uuid=False), nullable=False),
    Column("create_time", TIME, nullable=False),
    Index(
        "ix_catalog_provider_keys_once",
        "provider",
        "organisation_id",
        "fingerprint",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

# Of keys from the environment, too, which are in no table.
PROVIDER_KEY_STATUSES = Table(
    "provider_key_statuses",
    METADATA,
    Column("key_id", Uuid(as_uuid=False), primary_key=True),
    Column("status", SmallInteger, nullable=False),
    Column("status_time", TIME, nullable=False),
)
