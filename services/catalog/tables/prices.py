"""Dated prices, and what organisations pay instead."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.catalog.tables.schema import ID, METADATA, TIME

PRICE_VERSIONS = Table(
    "price_versions",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("endpoint_id", ID, ForeignKey("catalog.endpoints.id"), nullable=False),
    Column("effective_time", TIME, nullable=False),
    Column("record_time", TIME, nullable=False),
    Column("source", Text, nullable=False),
    Column("seeded", Boolean, nullable=False),
    UniqueConstraint("endpoint_id", "effective_time", "record_time"),
    Index(
        "ix_catalog_price_versions_holding",
        "endpoint_id",
        "effective_time",
        "record_time",
        postgresql_include=["id"],
    ),
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
    Index("ix_catalog_unit_prices_unit", "unit", "price_version_id", postgresql_include=["price", "per"]),
)

PRICE_OVERRIDES = Table(
    "price_overrides",
    METADATA,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("organisation_id", Uuid(as_uuid=False), nullable=False),
    Column("provider", ID, ForeignKey("catalog.providers.name"), nullable=False),
    # NULL: all of the provider's.
    Column("endpoint_id", ID, ForeignKey("catalog.endpoints.id")),
    Column("effective_time", TIME, nullable=False),
    Column("record_time", TIME, nullable=False),
    # NULL: see override_unit_prices.
    Column("factor", Numeric),
    Column("source", Text, nullable=False),
    Index("ix_catalog_price_overrides_organisation_id", "organisation_id", "id"),
)

OVERRIDE_UNIT_PRICES = Table(
    "override_unit_prices",
    METADATA,
    Column("override_id", Uuid(as_uuid=False), ForeignKey("catalog.price_overrides.id"), primary_key=True),
    Column("unit", SmallInteger, primary_key=True),
    Column("price", Numeric, nullable=False),
    Column("per", BigInteger, nullable=False),
    Column("tier_thresholds", ARRAY(BigInteger), nullable=False),
    Column("tier_prices", ARRAY(Numeric), nullable=False),
)
