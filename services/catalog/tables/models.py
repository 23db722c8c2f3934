"""Models, their names and endpoints; which seeds and syncs made them what they are."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.catalog.tables.schema import ID, METADATA, TIME

MODELS = Table(
    "models",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("context_window", BigInteger),
    Column("max_output_tokens", BigInteger),
    Column("input_modalities", ARRAY(SmallInteger), nullable=False),
    Column("output_modalities", ARRAY(SmallInteger), nullable=False),
    Column("supports_tools", Boolean),
    Column("supports_structured_output", Boolean),
    Column("supports_reasoning", Boolean),
    Column("release_time", TIME),
    Column("deprecation_time", TIME),
    Column("successor_id", Text, nullable=False),
    # Names of parameters that the model does not take.
    Column("unsupported_parameters", ARRAY(Text), nullable=False),
    # Its own defaults, by the names of parameters.
    Column("default_parameters", JSONB, nullable=False),
    # Not in the catalog any more. The row stays: the ledger names its prices.
    Column("removed_time", TIME),
    Column("seed_digest", LargeBinary),
)

MODEL_ALIASES = Table(
    "model_aliases",
    METADATA,
    Column("alias", ID, primary_key=True),
    Column("model_id", ID, ForeignKey("catalog.models.id"), nullable=False, index=True),
)

ENDPOINTS = Table(
    "endpoints",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("model_id", ID, ForeignKey("catalog.models.id"), nullable=False, index=True),
    Column("provider", ID, ForeignKey("catalog.providers.name"), nullable=False, index=True),
    Column("provider_model_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("removed_time", TIME),
)

APPLIED_SEEDS = Table(
    "applied_seeds",
    METADATA,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("applied_time", TIME, nullable=False),
)

SYNCS = Table(
    "syncs",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("user_id", Uuid(as_uuid=False), nullable=False),
    Column("providers", ARRAY(Text), nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("create_time", TIME, nullable=False),
    Column("revert_time", TIME),
)

SYNC_CHANGES = Table(
    "sync_changes",
    METADATA,
    Column("sync_id", Uuid(as_uuid=False), ForeignKey("catalog.syncs.id"), primary_key=True),
    Column("model_id", ID, primary_key=True),
    # The model as it was, in JSON (see store/syncs.py); NULL: it was not in the catalog.
    Column("before", LargeBinary),
)
