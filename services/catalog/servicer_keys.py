"""Providers' secret keys."""

from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsRequest, ListSecretsResponse
from services.catalog import messages
from services.catalog.resources import Resources
from services.runtime.rpc import RpcContext


class KeyRpcs:
    """What providers let Pantheon in with."""

    resources: Resources

    async def ListSecrets(self, request: ListSecretsRequest, context: RpcContext) -> ListSecretsResponse:
        found = sorted(self.resources.found.items()) if request.providers else ()
        configured = ((name, said) for name, said in found if said.configured)
        return ListSecretsResponse(
            provider_secrets=(messages.secrets_message(name, said.keys) for name, said in configured)
        )
