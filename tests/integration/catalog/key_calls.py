"""What administrators and routers ask of the catalog about provider keys."""

from typing import Any

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckProviderKeyRequest,
    CheckProviderKeyResponse,
    CreateProviderKeyRequest,
    CreateProviderKeyResponse,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
    ListProvidersRequest,
    ListSecretsRequest,
    ReportProviderKeyRequest,
)
from pantheon.catalog.v1.provider_key_pb2 import PROVIDER_KEY_SOURCE_ENVIRONMENT, ProviderKey
from tests.integration.catalog.judge import GOOD
from tests.integration.catalog.replica import Catalog, Metadata, as_user


async def create(
    catalog: Catalog, metadata: Metadata, secret: str = GOOD, provider: str = "openai", label: str = "", **more: Any
) -> ProviderKey:
    request = CreateProviderKeyRequest(provider_key=ProviderKey(provider=provider, label=label), secret=secret, **more)
    answer: CreateProviderKeyResponse = await catalog.stub.CreateProviderKey(request, metadata=metadata)
    return answer.provider_key


async def listed(catalog: Catalog, metadata: Metadata, **request: Any) -> list[ProviderKey]:
    answer = await catalog.stub.ListProviderKeys(ListProviderKeysRequest(**request), metadata=metadata)
    assert not answer.next_page_token
    return list(answer.provider_keys)


async def check(catalog: Catalog, metadata: Metadata, key_id: str) -> ProviderKey:
    request = CheckProviderKeyRequest(id=key_id)
    answer: CheckProviderKeyResponse = await catalog.stub.CheckProviderKey(request, metadata=metadata)
    return answer.provider_key


async def delete(catalog: Catalog, metadata: Metadata, key_id: str) -> None:
    await catalog.stub.DeleteProviderKey(DeleteProviderKeyRequest(id=key_id), metadata=metadata)


async def report(catalog: Catalog, key_id: str, status: Any) -> None:
    await catalog.internal.ReportProviderKey(ReportProviderKeyRequest(key_id=key_id, status=status))


async def secrets(catalog: Catalog) -> dict[tuple[str, str], list[str]]:
    answer = await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))
    return {
        (entry.provider, entry.organisation_id): [key.secret for key in entry.secrets]
        for entry in answer.provider_secrets
    }


async def configured(catalog: Catalog) -> list[str]:
    answer = await catalog.stub.ListProviders(ListProvidersRequest(configured_only=True), metadata=as_user())
    return [provider.name for provider in answer.providers]


async def environment_key(catalog: Catalog, operator: Metadata) -> ProviderKey:
    (found,) = (key for key in await listed(catalog, operator) if key.source == PROVIDER_KEY_SOURCE_ENVIRONMENT)
    return found
