"""The tables of schema `catalog`, as they are queried. The migrations make them; a test compares the two."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

SCHEMA = "catalog"

METADATA = MetaData(schema=SCHEMA)

_TIME = DateTime(timezone=True)
# Ids are ordered by their bytes, so that pages are the same whatever the language of the database.
_ID = Text(collation="C")

PROVIDERS = Table(
    "providers",
    METADATA,
    Column("name", _ID, primary_key=True),
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
    Column("base_url", Text, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("key_fingerprint", LargeBinary, nullable=False),
    # Of the row that the seed wrote last; NULL: not from the seed.
    Column("seed_digest", LargeBinary),
)

MODELS = Table(
    "models",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("context_window", BigInteger),
    Column("max_output_tokens", BigInteger),
    Column("input_modalities", ARRAY(SmallInteger), nullable=False),
    Column("output_modalities", ARRAY(SmallInteger), nullable=False),
    Column("supports_tools", Boolean),
    Column("supports_structured_output", Boolean),
    Column("supports_reasoning", Boolean),
    Column("release_time", _TIME),
    Column("deprecation_time", _TIME),
    # Not in the catalog any more. The row stays: the ledger names its prices.
    Column("removed_time", _TIME),
    Column("seed_digest", LargeBinary),
)

MODEL_ALIASES = Table(
    "model_aliases",
    METADATA,
    Column("alias", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("catalog.models.id"), nullable=False, index=True),
)

ENDPOINTS = Table(
    "endpoints",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("model_id", _ID, ForeignKey("catalog.models.id"), nullable=False, index=True),
    Column("provider", _ID, ForeignKey("catalog.providers.name"), nullable=False, index=True),
    Column("provider_model_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("removed_time", _TIME),
)

PRICE_VERSIONS = Table(
    "price_versions",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("endpoint_id", _ID, ForeignKey("catalog.endpoints.id"), nullable=False),
    Column("effective_time", _TIME, nullable=False),
    Column("record_time", _TIME, nullable=False),
    Column("source", Text, nullable=False),
    Column("seeded", Boolean, nullable=False),
    UniqueConstraint("endpoint_id", "effective_time", "record_time"),
)

UNIT_PRICES = Table(
    "unit_prices",
    METADATA,
    Column("price_version_id", Uuid(as_uuid=False), ForeignKey("catalog.price_versions.id"), primary_key=True),
    Column("unit", SmallInteger, primary_key=True),
    Column("price", Numeric, nullable=False),
    Column("per", BigInteger, nullable=False),
    Column("tier_thresholds", ARRAY(BigInteger), nullable=False),
    Column("tier_prices", ARRAY(Numeric), nullable=False),
)

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
    Column("update_time", _TIME, nullable=False),
)

APPLIED_SEEDS = Table(
    "applied_seeds",
    METADATA,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("applied_time", _TIME, nullable=False),
)
