"""What people have chosen and made: settings, use cases, custom models."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.catalog.tables.schema import ID, METADATA, TIME

USER_SETTINGS = Table(
    "user_settings",
    METADATA,
    Column("user_id", Uuid(as_uuid=False), primary_key=True),
    Column("preferred_model", Text, nullable=False),
    Column("temperature", Double),
    Column("max_tokens", BigInteger),
    Column("top_p", Double),
    Column("frequency_penalty", Double),
    Column("presence_penalty", Double),
    # By the names of use cases: {"code": {"model": "openai/gpt-4", "provider": ""}}.
    Column("use_cases", JSONB, nullable=False),
    Column("update_time", TIME, nullable=False),
)

# Requests to make something, so that a repeat makes nothing.
REQUESTS = Table(
    "requests",
    METADATA,
    Column("user_id", Uuid(as_uuid=False), primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("made_id", Uuid(as_uuid=False), nullable=False),
)

USE_CASE_CHOICES = Table(
    "use_case_choices",
    METADATA,
    Column("organisation_id", Uuid(as_uuid=False), primary_key=True),
    Column("use_case", SmallInteger, primary_key=True),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
)

CUSTOM_MODELS = Table(
    "custom_models",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("model_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", Uuid(as_uuid=False), nullable=False),
    Column("organisation_id", Uuid(as_uuid=False), nullable=False),
    # NULL: the owner's alone.
    Column("project_id", Uuid(as_uuid=False)),
    Column("provider", ID, ForeignKey("catalog.providers.name"), nullable=False),
    Column("api_endpoint", Text, nullable=False),
    Column("provider_model_id", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("provider_hosted", Boolean, nullable=False),
    Column("temperature", Double),
    Column("max_tokens", BigInteger),
    Column("top_p", Double),
    Column("frequency_penalty", Double),
    Column("presence_penalty", Double),
    Column("context_window", BigInteger),
    # NULL: it has no key of its own.
    Column("sealed_key", LargeBinary),
    Column("key_last_four", Text, nullable=False),
    Column("key_version", BigInteger, nullable=False),
    Column("create_time", TIME, nullable=False),
    Column("update_time", TIME, nullable=False),
    # The row stays, without its key: the ledger names its prices.
    Column("removed_time", TIME),
    Index(
        "ix_catalog_custom_models_own",
        "user_id",
        "model_id",
        unique=True,
        postgresql_where=text("project_id IS NULL AND removed_time IS NULL"),
    ),
    Index(
        "ix_catalog_custom_models_shared",
        "project_id",
        "model_id",
        unique=True,
        postgresql_where=text("project_id IS NOT NULL AND removed_time IS NULL"),
    ),
)

CUSTOM_MODEL_PRICES = Table(
    "custom_model_prices",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("custom_model_id", Uuid(as_uuid=False), ForeignKey("catalog.custom_models.id"), nullable=False, index=True),
    # When it was learnt, which is from when it holds.
    Column("effective_time", TIME, nullable=False),
    # USD per thousand tokens; NULL: unpriced from then on.
    Column("input", Numeric),
    Column("output", Numeric),
)
