"""Who takes part: users with API keys of their own, made the way an administrator would."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import CreateApiKeyRequest, CreateUserRequest, LoginRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.identity_pb2 import User
from pantheon.auth.v1.key_pb2 import ApiKey
from services.cli.calling import Caller

_TEAMS = {"ada": "search", "grace": "support", "edsger": "research"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who sends completions, tagged with a team."""

    name: str
    team: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The administrator's, as `credentials.json` holds them."""

    email: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Those in a file."""
        return cls(**json.loads(path.read_text()))


async def make_people(address: str, admin: Credentials) -> list[Person]:
    """Logs in as the administrator and makes a user and a key for each. Raises CommandFailed."""
    async with Caller("auth service", address, admin.api_key) as caller:
        login = LoginRequest(email=admin.email, password=admin.password)
        token = (await caller.call(AuthServiceStub(caller.channel).Login, login)).tokens.access_token
    async with Caller("auth service", address, token) as caller:
        auth = AuthServiceStub(caller.channel)
        people = []
        for name, team in _TEAMS.items():
            user = User(email=f"{name}@example.org", display_name=name.capitalize(), role=Role.ROLE_MEMBER)
            made = await caller.call(auth.CreateUser, CreateUserRequest(user=user, password=f"{name}-for-a-moment"))
            key = ApiKey(name="demo", user_id=made.user.id)
            secret = (await caller.call(auth.CreateApiKey, CreateApiKeyRequest(api_key=key))).secret
            people.append(Person(name, team, secret))
    return people
