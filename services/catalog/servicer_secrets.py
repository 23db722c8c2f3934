"""Secret keys, for routers; what routers learn of them; and the master key that all of them are kept under."""

from collections.abc import AsyncIterator

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListSecretsRequest,
    ListSecretsResponse,
    ReportProviderKeyRequest,
    ReportProviderKeyResponse,
    RotateMasterKeyRequest,
    RotateMasterKeyResponse,
)
from pantheon.catalog.v1.provider_key_pb2 import PROVIDER_KEY_STATUS_UNSPECIFIED, CustomModelSecret, ProviderKeyStatus
from services.catalog.provider_key_messages import model_secret_message, secrets_messages
from services.catalog.provider_keys import KeyStatus, OpenKey
from services.catalog.resources import Resources
from services.catalog.rotation import rotate
from services.catalog.store import custom_models, provider_keys
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.db import ReadConnection
from services.runtime.errors import InvalidField, ResourceNotFound
from services.runtime.logging import get_logger
from services.runtime.rpc import RpcContext

_MOST_MODELS = 1_000
_REPORTED = [status for status in ProviderKeyStatus.values() if status != PROVIDER_KEY_STATUS_UNSPECIFIED]


class SecretRpcs:
    """What providers let Pantheon in with."""

    resources: Resources

    async def ListSecrets(self, request: ListSecretsRequest, context: RpcContext) -> ListSecretsResponse:
        if len(request.custom_model_ids) > _MOST_MODELS:
            raise InvalidField("custom_model_ids", f"{len(request.custom_model_ids)} ids", f"at most {_MOST_MODELS}")
        async with self.resources.db.snapshot() as connection:
            keys = [key async for key in self._provider_keys(connection)] if request.providers else []
            models = [secret async for secret in self._model_secrets(connection, list(request.custom_model_ids))]
        return ListSecretsResponse(provider_secrets=secrets_messages(keys), custom_model_secrets=models)

    async def ReportProviderKey(
        self, request: ReportProviderKeyRequest, context: RpcContext
    ) -> ReportProviderKeyResponse:
        if request.status not in _REPORTED:
            allowed = "one of " + ", ".join(f"{ProviderKeyStatus.Name(status)} ({status})" for status in _REPORTED)
            raise InvalidField("status", request.status, allowed)
        from_environment = any(entry.key.id == request.key_id for entry in self.resources.environment_keys)
        async with self.resources.db.write() as connection:
            if not from_environment and not await provider_keys.keep_from_removal(connection, request.key_id):
                raise ResourceNotFound("provider_key", request.key_id)
            said = KeyStatus(request.status, times.now())
            changed = await provider_keys.note_change(connection, request.key_id, said)
        if changed:
            status = ProviderKeyStatus.Name(request.status)
            get_logger().info("provider_key.reported", key=request.key_id, status=status)
        return ReportProviderKeyResponse()

    async def RotateMasterKey(self, request: RotateMasterKeyRequest, context: RpcContext) -> RotateMasterKeyResponse:
        outcome = await rotate(self.resources.db, self.resources.sealer)
        by = current_principal().user_id
        get_logger().info("master_key.rotated", resealed=outcome.resealed, current=outcome.current, by=by)
        return RotateMasterKeyResponse(resealed=outcome.resealed, current=outcome.current)

    async def _provider_keys(self, connection: ReadConnection) -> AsyncIterator[OpenKey]:
        """All keys in the order to be used: those from the environment first, then the oldest."""
        for entry in self.resources.environment_keys:
            yield entry
        for sealed in await provider_keys.everything(connection):
            if secret := self.resources.opened(sealed.sealed, sealed.label):
                yield OpenKey(sealed.key, secret)

    async def _model_secrets(self, connection: ReadConnection, ids: list[str]) -> AsyncIterator[CustomModelSecret]:
        for sealed in await custom_models.secrets(connection, ids) if ids else ():
            if secret := self.resources.opened(sealed.sealed, sealed.label):
                yield model_secret_message(sealed, secret)
