"""The tables of schema `catalog`, as they are queried. The migrations make them; a test compares the two."""

from services.catalog.tables.models import APPLIED_SEEDS, ENDPOINTS, MODEL_ALIASES, MODELS, SYNC_CHANGES, SYNCS
from services.catalog.tables.people import CUSTOM_MODEL_PRICES, CUSTOM_MODELS, REQUESTS, USE_CASE_CHOICES, USER_SETTINGS
from services.catalog.tables.prices import OVERRIDE_UNIT_PRICES, PRICE_OVERRIDES, PRICE_VERSIONS, UNIT_PRICES
from services.catalog.tables.providers import PROVIDER_KEY_STATUSES, PROVIDER_KEYS, PROVIDERS
from services.catalog.tables.schema import METADATA, SCHEMA

__all__ = [
    "APPLIED_SEEDS",
    "CUSTOM_MODELS",
    "CUSTOM_MODEL_PRICES",
    "ENDPOINTS",
    "METADATA",
    "MODELS",
    "MODEL_ALIASES",
    "OVERRIDE_UNIT_PRICES",
    "PRICE_OVERRIDES",
    "PRICE_VERSIONS",
    "PROVIDERS",
    "PROVIDER_KEYS",
    "PROVIDER_KEY_STATUSES",
    "REQUESTS",
    "SCHEMA",
    "SYNCS",
    "SYNC_CHANGES",
    "UNIT_PRICES",
    "USER_SETTINGS",
    "USE_CASE_CHOICES",
]
