"""RPCs about API keys."""

from dataclasses import replace
from uuid import UUID

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    IntrospectKeyRequest,
    IntrospectKeyResponse,
    ListApiKeysRequest,
    ListApiKeysResponse,
    RevokeApiKeyRequest,
    RevokeApiKeyResponse,
)
from services.auth import creation, fields, keys, messages, users
from services.auth.entities import ApiKey, OwnedKey, User
from services.auth.pages import Page
from services.auth.resources import Resources
from services.auth.store import identity
from services.auth.store import keys as kept_keys
from services.auth.writing import Write, actor, method_name, writing
from services.runtime.auth import Principal, current_principal
from services.runtime.errors import CredentialsInvalid, InvalidField, ResourceNotFound
from services.runtime.ids import uuid7
from services.runtime.keys import secret_hash
from services.runtime.rpc import RpcContext

_HASH_BYTES = 32


class KeyRpcs:
    """API keys: the caller's own, or those of the organisation for its administrators."""

    resources: Resources

    async def CreateApiKey(self, request: CreateApiKeyRequest, context: RpcContext) -> CreateApiKeyResponse:
        caller, now = current_principal(), self.resources.clock()
        asked, method = request.api_key, method_name("CreateApiKey")
        scopes = keys.scopes("api_key.scopes", asked.scopes)
        keys.check_has(caller, scopes, method)
        secret = keys.new_secret()
        async with writing(self.resources.outbox, actor(caller), now) as write:
            owner = await self._owner(write, caller, asked.user_id)
            key = ApiKey(
                id=uuid7(),
                organisation_id=owner.organisation_id,
                project_id=await self._project(write, owner, asked.project_id),
                user_id=owner.id,
                name=fields.name("api_key.name", asked.name),
                prefix=keys.shown_prefix(secret),
                secret_hash=secret_hash(self.resources.pepper, secret),
                scopes=scopes,
                created_at=now,
                expires_at=keys.expiry("api_key.expire_time", asked, now),
            )
            await write.claim("CreateApiKey", request.request_id, key.id)
            await creation.add_key(write, OwnedKey(key, owner.role))
        return CreateApiKeyResponse(api_key=messages.api_key(key), secret=secret)

    async def ListApiKeys(self, request: ListApiKeysRequest, context: RpcContext) -> ListApiKeysResponse:
        caller = current_principal()
        user_id: UUID | None = UUID(caller.user_id)
        if request.whole_organisation:
            users.check_role(caller, Role.ROLE_ORGANISATION_ADMIN, method_name("ListApiKeys"))
            user_id = None
        organisation_id, inactive = UUID(caller.organisation_id), request.include_inactive
        page = Page.asked(request.page_size, request.page_token, "api_keys", organisation_id, user_id, inactive)
        async with self.resources.db.read() as connection:
            rows = await kept_keys.list_keys(
                connection,
                organisation_id=organisation_id,
                user_id=user_id,
                live_at=None if inactive else self.resources.clock(),
                before=page.after,
                limit=page.limit,
            )
        shown, next_page = page.cut(rows)
        return ListApiKeysResponse(api_keys=map(messages.api_key, shown), next_page_token=next_page)

    async def RevokeApiKey(self, request: RevokeApiKeyRequest, context: RpcContext) -> RevokeApiKeyResponse:
        caller, now = current_principal(), self.resources.clock()
        key_id = fields.identifier("key_id", request.key_id)
        async with writing(self.resources.outbox, actor(caller), now) as write:
            key = await kept_keys.lock_key(write.connection, key_id, UUID(caller.organisation_id))
            if key is None:
                raise ResourceNotFound("api_key", request.key_id)
            keys.check_may_revoke(caller, key)
            if key.revoked_at is None:
                key = replace(key, revoked_at=now)
                await creation.revoke_key(write, key)
        return RevokeApiKeyResponse(api_key=messages.api_key(key))

    async def IntrospectKey(self, request: IntrospectKeyRequest, context: RpcContext) -> IntrospectKeyResponse:
        if len(request.secret_hash) != _HASH_BYTES:
            raise InvalidField("secret_hash", f"{len(request.secret_hash)} bytes", f"{_HASH_BYTES} bytes")
        async with self.resources.db.read() as connection:
            found = await kept_keys.find_live_key(connection, request.secret_hash, self.resources.clock())
        if found is None:
            raise CredentialsInvalid
        return IntrospectKeyResponse(key=messages.key_record(found))

    async def _owner(self, write: Write, caller: Principal, asked: str) -> User:
        """Who the key is to act as: the caller, or another user of the organisation for its administrators."""
        user_id = fields.identifier("api_key.user_id", asked) if asked else UUID(caller.user_id)
        method = method_name("CreateApiKey")
        if str(user_id) != caller.user_id:
            users.check_role(caller, Role.ROLE_ORGANISATION_ADMIN, method)
        owner = await identity.find_user(write.connection, user_id, UUID(caller.organisation_id))
        if owner is None or owner.disabled_at is not None:
            raise ResourceNotFound("user", str(user_id))
        users.check_gives(caller, owner.role, method)
        return owner

    async def _project(self, write: Write, owner: User, asked: str) -> UUID:
        """What the key's spend is booked on: the project named, or the organisation's first."""
        if not asked:
            return await identity.first_project(write.connection, owner.organisation_id)
        project_id = fields.identifier("api_key.project_id", asked)
        if not await identity.has_project(write.connection, project_id, owner.organisation_id):
            raise ResourceNotFound("project", asked)
        return project_id
