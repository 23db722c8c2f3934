"""Services that keep the contracts the edge relies on, in memory, each behind the runtime's own gRPC server."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.duration_pb2 import Duration

from pantheon.auth.v1.access_pb2 import Role, Scope
from pantheon.auth.v1.auth_service_pb2 import LoginResponse, RefreshTokenResponse, Tokens
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceServicer
from pantheon.auth.v1.identity_pb2 import User
from pantheon.catalog.v1.catalog_service_pb2 import (
    GetUserSettingsResponse,
    ListCustomModelsResponse,
    UpdateUserSettingsResponse,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceServicer
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.router.v1.model_test_pb2 import ModelTest
from pantheon.router.v1.router_service_pb2 import TestModelResponse
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceServicer
from pantheon.usage.v1.usage_service_pb2 import GetUsageSummaryResponse
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceServicer
from services.runtime.auth import ALL_SCOPES, Principal, current_principal
from services.runtime.errors import CredentialsInvalid, LoginFailed, PantheonError

KEY = "pan-ada"
INFERENCE_KEY = "pan-inference-only"
SETTINGS_KEY = "pan-settings-only"
ADA = Principal("ada", "organisation", "project", "key", Role.ROLE_MEMBER, ALL_SCOPES)
_SCOPES = {INFERENCE_KEY: Scope.SCOPE_INFERENCE, SETTINGS_KEY: Scope.SCOPE_SETTINGS}
PASSWORD = "correct horse"
LIFE_SECONDS = 900


class Keys:
    """An Authenticator that knows the keys of one user."""

    async def authenticate(self, credential: str) -> Principal:
        if credential == KEY:
            return ADA
        if credential in _SCOPES:
            only = frozenset({_SCOPES[credential]})
            return Principal(ADA.user_id, "organisation", "project", "other", Role.ROLE_MEMBER, only)
        raise CredentialsInvalid


@dataclass
class Received:
    """What came in: the message and the metadata of each call, oldest first."""

    messages: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)

    def note(self, request: Any, context: Any) -> None:
        self.messages.append(request)
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata()})


class Auth(AuthServiceServicer):
    """Knows one password; a refresh token works once."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.received = Received()
        self._issued = 0

    async def Login(self, request: Any, context: Any) -> LoginResponse:
        self.received.note(request, context)
        if request.password != PASSWORD:
            raise LoginFailed
        user = User(id="ada", organisation_id="organisation", email=request.email, role=Role.ROLE_ORGANISATION_ADMIN)
        return LoginResponse(tokens=self._tokens(), user=user)

    async def RefreshToken(self, request: Any, context: Any) -> RefreshTokenResponse:
        self.received.note(request, context)
        if request.refresh_token != f"refresh-{self._issued}":
            raise CredentialsInvalid
        return RefreshTokenResponse(tokens=self._tokens())

    def _tokens(self) -> Tokens:
        self._issued += 1
        return Tokens(
            access_token=f"access-{self._issued}",
            refresh_token=f"refresh-{self._issued}",
            expires_in=Duration(seconds=LIFE_SECONDS),
        )


class Catalog(CatalogServiceServicer):
    """Keeps each user's settings; `error` is what it fails with instead of changing them."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.received = Received()
        self.error: Exception | None = None
        self._settings: dict[str, UserSettings] = {}

    async def GetUserSettings(self, request: Any, context: Any) -> GetUserSettingsResponse:
        return GetUserSettingsResponse(settings=self._own())

    async def ListCustomModels(self, request: Any, context: Any) -> ListCustomModelsResponse:
        return ListCustomModelsResponse()

    async def UpdateUserSettings(self, request: Any, context: Any) -> UpdateUserSettingsResponse:
        self.received.note(request, context)
        if self.error is not None:
            raise self.error
        request.update_mask.MergeMessage(request.settings, self._own(), replace_message_field=True)
        return UpdateUserSettingsResponse(settings=self._own())

    def _own(self) -> UserSettings:
        return self._settings.setdefault(current_principal().user_id, UserSettings(user_id=ADA.user_id))


class Usage(UsageServiceServicer):
    """Gives `summary`, or fails with `error`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.received = Received()
        self.summary = GetUsageSummaryResponse()
        self.error: PantheonError | None = None

    async def GetUsageSummary(self, request: Any, context: Any) -> GetUsageSummaryResponse:
        self.received.note(request, context)
        if self.error is not None:
            raise self.error
        return self.summary


class Router(RouterServiceServicer):
    """Gives `test`, or fails with `error`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.received = Received()
        self.test = ModelTest()
        self.error: PantheonError | None = None

    async def TestModel(self, request: Any, context: Any) -> TestModelResponse:
        self.received.note(request, context)
        if self.error is not None:
            raise self.error
        return TestModelResponse(test=self.test)
