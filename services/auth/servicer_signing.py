"""RPCs about the keys that login tokens are signed with."""

from pantheon.auth.v1.auth_service_pb2 import (
    ListSigningKeysRequest,
    ListSigningKeysResponse,
    RotateMasterKeyRequest,
    RotateMasterKeyResponse,
)
from services.auth import messages, signing
from services.auth.resources import Resources
from services.auth.writing import actor, writing
from services.runtime.auth import current_principal
from services.runtime.rpc import RpcContext


class SigningRpcs:
    """The public halves, for everybody; the private ones' envelopes."""

    resources: Resources

    async def ListSigningKeys(self, request: ListSigningKeysRequest, context: RpcContext) -> ListSigningKeysResponse:
        return ListSigningKeysResponse(signing_keys=map(messages.signing_key, self.resources.signing_keys))

    async def RotateMasterKey(self, request: RotateMasterKeyRequest, context: RpcContext) -> RotateMasterKeyResponse:
        async with writing(self.resources.outbox, actor(current_principal()), self.resources.clock()) as write:
            resealed, current = await signing.reseal(write.connection, self.resources.sealer)
            for key_id in resealed:
                await write.record("signing_key.resealed", key_id)
        return RotateMasterKeyResponse(resealed=len(resealed), current=current)
