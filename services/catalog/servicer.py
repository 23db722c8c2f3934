"""The RPCs of the catalog. They map and open the transaction; rules decide, the store queries."""

from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceServicer
from services.catalog.resources import Resources
from services.catalog.servicer_custom_models import CustomModelRpcs
from services.catalog.servicer_keys import KeyRpcs
from services.catalog.servicer_models import ModelRpcs
from services.catalog.servicer_prices import PriceRpcs
from services.catalog.servicer_secrets import SecretRpcs
from services.catalog.servicer_settings import SettingsRpcs
from services.catalog.servicer_syncs import SyncRpcs
from services.catalog.servicer_use_cases import UseCaseRpcs


class CatalogServicer(
    ModelRpcs,
    SyncRpcs,
    PriceRpcs,
    SettingsRpcs,
    KeyRpcs,
    SecretRpcs,
    CustomModelRpcs,
    UseCaseRpcs,
    CatalogServiceServicer,
):
    """Every RPC the contract declares."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
