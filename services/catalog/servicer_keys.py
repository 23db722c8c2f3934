"""Keys for providers, as administrators see and set them."""

from pantheon.catalog.v1.catalog_service_pb2 import (
    DESCRIPTOR,
    CheckProviderKeyRequest,
    CheckProviderKeyResponse,
    CreateProviderKeyRequest,
    CreateProviderKeyResponse,
    DeleteProviderKeyRequest,
    DeleteProviderKeyResponse,
    ListProviderKeysRequest,
    ListProviderKeysResponse,
)
from pantheon.catalog.v1.provider_key_pb2 import PROVIDER_KEY_STATUS_INVALID
from services.catalog import key_changes
from services.catalog import provider_keys as rules
from services.catalog.entities import Provider
from services.catalog.fields import PAGE_DEFAULT, PAGE_MOST, storable
from services.catalog.key_checks import Verdict, ask_about
from services.catalog.key_pages import KeyPage
from services.catalog.provider_key_messages import key_message
from services.catalog.provider_keys import KeyStatus, OpenKey, ProviderKey, SealedKey
from services.catalog.resources import Resources
from services.catalog.store import provider_keys, providers, requests
from services.runtime import secret_keys, times
from services.runtime.auth import Principal, current_principal
from services.runtime.db import ReadConnection
from services.runtime.errors import (
    InvalidField,
    ProviderAuthentication,
    ResourceExists,
    ResourceNotFound,
)
from services.runtime.ids import uuid7
from services.runtime.logging import get_logger
from services.runtime.paging import page_size
from services.runtime.rpc import RpcContext

_CREATE = "CreateProviderKey"
_CREATE_METHOD = f"/{DESCRIPTOR.services_by_name['CatalogService'].full_name}/{_CREATE}"
_RESOURCE = "provider_key"


class KeyRpcs:
    """What providers let Pantheon in with, without the secrets."""

    resources: Resources

    async def ListProviderKeys(self, request: ListProviderKeysRequest, context: RpcContext) -> ListProviderKeysResponse:
        caller, size = current_principal(), page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        with_platform = rules.sees_platform(caller)
        query = (caller.organisation_id, with_platform, storable("provider", request.provider))
        page = KeyPage.asked(size, request.page_token, query)
        given = [entry.key for entry in self.resources.environment_keys] if with_platform else []
        async with self.resources.db.snapshot() as connection:
            rows = await provider_keys.page(
                connection,
                caller.organisation_id,
                with_platform=with_platform,
                provider=request.provider,
                after=page.after_set,
                limit=size + 1,
            )
            shown, token = page.cut([key for key in given if request.provider in ("", key.provider)], rows)
            statuses = await provider_keys.statuses(connection, (key.id for key in shown))
        return ListProviderKeysResponse(
            provider_keys=(key_message(key, statuses.get(key.id)) for key in shown), next_page_token=token
        )

    async def CreateProviderKey(
        self, request: CreateProviderKeyRequest, context: RpcContext
    ) -> CreateProviderKeyResponse:
        caller = current_principal()
        if request.platform_wide:
            rules.check_platform(caller, _CREATE_METHOD)
        secret = secret_keys.secret("secret", request.secret)
        key = ProviderKey(
            id=str(uuid7()),
            provider=storable("provider_key.provider", request.provider_key.provider),
            organisation_id="" if request.platform_wide else caller.organisation_id,
            label=rules.label(request.provider_key.label),
            last_four=secret_keys.last_four(secret),
            create_time=times.now(),
        )
        async with self.resources.db.read() as connection:
            await requests.check_new(connection, caller.user_id, _CREATE, request.request_id)
            provider = await self._provider(connection, key.provider)
            await self._check_new(connection, key, secret)
        verdict = await ask_about(provider, secret, self.resources.http)
        if verdict.status == PROVIDER_KEY_STATUS_INVALID:
            raise ProviderAuthentication(
                f"{provider.name} refuses this key ({verdict.http_status})",
                provider=provider.name,
                status=verdict.http_status,
            )
        status = await self._keep(caller, request.request_id, OpenKey(key, secret), verdict)
        return CreateProviderKeyResponse(provider_key=key_message(key, status))

    async def CheckProviderKey(self, request: CheckProviderKeyRequest, context: RpcContext) -> CheckProviderKeyResponse:
        caller = current_principal()
        async with self.resources.db.read() as connection:
            found = await self._visible(connection, request.id, caller)
            provider = await self._provider(connection, found.key.provider)
            status = (await provider_keys.statuses(connection, [found.key.id])).get(found.key.id)
        verdict = await ask_about(provider, self._secret(found), self.resources.http)
        if verdict.asked:
            status = KeyStatus(verdict.status, times.now())
            async with self.resources.db.write() as connection:
                if found.key.create_time and not await provider_keys.keep_from_removal(connection, found.key.id):
                    raise ResourceNotFound(_RESOURCE, request.id)
                await provider_keys.note(connection, found.key.id, status)
        return CheckProviderKeyResponse(provider_key=key_message(found.key, status))

    async def DeleteProviderKey(
        self, request: DeleteProviderKeyRequest, context: RpcContext
    ) -> DeleteProviderKeyResponse:
        caller = current_principal()
        async with self.resources.db.write() as connection:
            key = (await self._visible(connection, request.id, caller)).key
            provider = await providers.lock(connection, key.provider)
            if key.create_time is None:
                allowed = (
                    f"a key that was set; this one comes from {provider.key_variable} in the catalog's environment"
                )
                raise InvalidField("id", request.id, allowed)
            if not await provider_keys.remove(connection, key.id):
                raise ResourceNotFound(_RESOURCE, request.id)
            await key_changes.follow_up(self.resources.outbox, connection, provider, key.organisation_id)
        get_logger().info("provider_key.removed", key=key.id, provider=key.provider, by=caller.user_id)
        return DeleteProviderKeyResponse()

    async def _keep(self, caller: Principal, request_id: str, entry: OpenKey, verdict: Verdict) -> KeyStatus | None:
        key, resources = entry.key, self.resources
        status = KeyStatus(verdict.status, times.now()) if verdict.asked else None
        async with resources.db.write() as connection:
            provider = await providers.lock(connection, key.provider)
            await requests.claim(connection, caller.user_id, _CREATE, request_id, key.id)
            rules.check_room(provider, await provider_keys.count(connection, provider.name, key.organisation_id))
            added = await provider_keys.add(
                connection,
                key,
                fingerprint=secret_keys.fingerprint(resources.pepper, entry.secret),
                sealed=resources.sealer.seal(entry.secret.encode(), rules.envelope_label(key.id)),
                user_id=caller.user_id,
            )
            if not added:
                await self._check_new(connection, key, entry.secret)
            if status:
                await provider_keys.note(connection, key.id, status)
            await key_changes.follow_up(resources.outbox, connection, provider, key.organisation_id)
        get_logger().info("provider_key.set", key=key.id, provider=key.provider, by=caller.user_id)
        return status

    async def _check_new(self, connection: ReadConnection, key: ProviderKey, secret: str) -> None:
        """Raises ResourceExists where the same key is set already for the same requests."""
        mark = secret_keys.fingerprint(self.resources.pepper, secret)
        there = await provider_keys.same(connection, key.provider, key.organisation_id, mark)
        if not there and not key.organisation_id:
            own = rules.environment_key_id(key.provider, secret, self.resources.pepper)
            there = next((entry.key.id for entry in self.resources.environment_keys if entry.key.id == own), "")
        if there:
            raise ResourceExists(_RESOURCE, "id", there)

    async def _provider(self, connection: ReadConnection, name: str) -> Provider:
        provider = await providers.find(connection, name)
        if provider is None:
            raise ResourceNotFound("provider", name)
        rules.check_takes_keys(provider)
        return provider

    async def _visible(self, connection: ReadConnection, key_id: str, caller: Principal) -> OpenKey | SealedKey:
        """The key, if the caller may know of it."""
        for entry in self.resources.environment_keys:
            if entry.key.id == key_id and rules.is_visible(entry.key, caller):
                return entry
        found = await provider_keys.find(connection, key_id)
        if found is None or not rules.is_visible(found.key, caller):
            raise ResourceNotFound(_RESOURCE, key_id)
        return found

    def _secret(self, entry: OpenKey | SealedKey) -> str:
        if isinstance(entry, OpenKey):
            return entry.secret
        return self.resources.sealer.open(entry.sealed, entry.label).decode()
