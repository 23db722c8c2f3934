"""Which endpoints there are for a name. Pure."""

from collections.abc import Sequence

from services.router.catalog import Catalog, Endpoint, Model
from services.runtime.errors import ModelNotFound

_NAME_LENGTH = 256


def listed(model: Model, catalog: Catalog, organisation_id: str) -> Sequence[Endpoint]:
    """A model's endpoints, and as the last resort the provider that has its vendor's name."""
    vendor, _, rest = model.id.partition("/")
    for endpoint in model.endpoints:
        if endpoint.provider == vendor:
            return model.endpoints
    return (*model.endpoints, Endpoint(vendor, rest)) if catalog.usable(vendor, organisation_id) else model.endpoints


def unlisted(name: str, catalog: Catalog, organisation_id: str) -> Sequence[Endpoint]:
    """Endpoints for a `<vendor>/<name>` the catalog does not list: the provider of that name, then aggregators.

    Raises:
        ModelNotFound: it is no such name, or there is no provider it could be meant for.
    """
    vendor, _, rest = name.partition("/")
    # The name goes into headers, the journal and the ledger: what no provider calls a model stops here.
    if not vendor or not rest or len(name) > _NAME_LENGTH or not _is_header_value(name):
        raise ModelNotFound(name)
    endpoints = [Endpoint(vendor, rest)] if catalog.usable(vendor, organisation_id) else []
    endpoints += [
        Endpoint(provider.name, name)
        for provider in catalog.providers.values()
        if provider.aggregates_vendors and provider.name != vendor and catalog.usable(provider.name, organisation_id)
    ]
    if not endpoints and vendor not in catalog.providers:
        raise ModelNotFound(name)
    return endpoints


def _is_header_value(name: str) -> bool:
    return name.isascii() and name.isprintable() and name == name.strip()
