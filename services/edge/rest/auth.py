"""`/api/auth`: logging in, and staying so."""

import msgspec
from grpc.aio import Metadata
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import LoginRequest, RefreshTokenRequest, Tokens
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.identity_pb2 import User
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call


class UserBody(msgspec.Struct, frozen=True):
    """A person. `role` is one of member, project_admin, organisation_admin, platform_admin."""

    id: str
    organisation_id: str
    email: str
    display_name: str
    role: str


class TokensBody(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a refresh: member names of RFC 6749, section 5.1. `expires_in` is in seconds."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str


class LoginBody(TokensBody, frozen=True, kw_only=True):
    """The answer of a login: who it was, too."""

    user: UserBody


class AuthRoutes:
    """`POST /api/auth/login`, `POST /api/auth/refresh`. Neither looks at credentials."""

    def __init__(self, auth: AuthServiceStub) -> None:
        self._auth = auth

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/auth/login", self.login, methods=["POST"]),
            Route("/api/auth/refresh", self.refresh, methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """`{"email", "password"}` for tokens."""
        body = await read_object(request)
        body.only(("email", "password"))
        message = LoginRequest(email=body.secret("email"), password=body.secret("password"))
        response = await call(self._auth.Login, message, Metadata(), service="auth")
        tokens = _tokens(response.tokens)
        return answer(LoginBody(**msgspec.structs.asdict(tokens), user=_user(response.user)))

    async def refresh(self, request: Request) -> Response:
        """`{"refresh_token"}` for new tokens."""
        body = await read_object(request)
        body.only(("refresh_token",))
        message = RefreshTokenRequest(refresh_token=body.secret("refresh_token"))
        response = await call(self._auth.RefreshToken, message, Metadata(), service="auth")
        return answer(_tokens(response.tokens))


def _tokens(tokens: Tokens) -> TokensBody:
    return TokensBody(
        access_token=tokens.access_token, expires_in=tokens.expires_in.seconds, refresh_token=tokens.refresh_token
    )


def _user(user: User) -> UserBody:
    role = Role.Name(user.role).removeprefix("ROLE_").lower()
    return UserBody(user.id, user.organisation_id, user.email, user.display_name, role)
