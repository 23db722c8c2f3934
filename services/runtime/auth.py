"""Who calls, and whether they may. Identity comes only from the verified token or key; the default is to refuse."""

import time
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.descriptor import MethodDescriptor
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pantheon.auth.v1 import access_pb2
from pantheon.auth.v1.access_pb2 import AccessRule, Role, Scope
from services.runtime.errors import AccessDenied, CredentialsInvalid, CredentialsMissing
from services.runtime.identity import ALGORITHM

TOKEN_ISSUER = "pantheon"
KEY_PREFIX = "pan-"
ALL_SCOPES = frozenset(value for value in Scope.values() if value != Scope.SCOPE_UNSPECIFIED)

_VERIFIED_TOKENS = 4_096


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified user and what the credential allows. `key_id` is empty for a login token."""

    user_id: str
    organisation_id: str
    project_id: str
    key_id: str
    role: int
    scopes: frozenset[int]


class Authenticator(Protocol):
    """Finds out who a credential is."""

    async def authenticate(self, credential: str) -> Principal:
        """Who the login token or API key belongs to.

        Raises:
            CredentialsInvalid: to nobody.
        """


_principal: ContextVar[Principal] = ContextVar("principal")


def current_principal() -> Principal:
    """The caller of the RPC being served."""
    return _principal.get()


def set_principal(principal: Principal) -> None:
    """Makes the caller known to what runs in this context. Only for surfaces, after `authorize`."""
    _principal.set(principal)


def access_rule(method: MethodDescriptor) -> AccessRule:
    """The rule a method declares; an empty one, which refuses everybody, where it declares none."""
    return method.GetOptions().Extensions[access_pb2.access]


def authorize(method: str, rule: AccessRule, principal: Principal | None, service: str | None) -> None:
    """Lets the caller through or raises: the one place where access is decided.

    `principal` is the verified user, `service` the verified calling process; either may be missing.

    Raises:
        CredentialsMissing: the rule asks for credentials and there are none.
        AccessDenied: the rule does not allow this caller.
    """
    if rule.audience == access_pb2.AUDIENCE_PUBLIC:
        return
    if rule.audience == access_pb2.AUDIENCE_SERVICE and rule.services:
        if service not in rule.services:
            required = f"service identity of {' or '.join(rule.services)}"
            raise AccessDenied(f"{method} is internal", method=method, required=required)
        return
    if rule.audience != access_pb2.AUDIENCE_USER or not rule.role or not rule.scope:
        raise AccessDenied(f"{method} is open to nobody", method=method, required="an access rule")
    if principal is None:
        raise CredentialsMissing
    if principal.role < rule.role:
        required = Role.Name(rule.role)
        raise AccessDenied(f"{method} needs {required}", method=method, required=required)
    if rule.scope not in principal.scopes:
        required = Scope.Name(rule.scope)
        raise AccessDenied(f"{method} needs {required}", method=method, required=required)


class TokenVerifier:
    """Checks login tokens with auth's public keys; remembers the ones it has checked until they expire."""

    def __init__(self) -> None:
        self._keys = KeySet([])
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def set_keys(self, keys: KeySet) -> None:
        """Replaces the public keys."""
        self._keys = keys
        self._known.clear()

    def verify(self, token: str) -> Principal:
        """Who the token belongs to.

        Raises:
            CredentialsInvalid: it is malformed, expired, or not signed by auth.
        """
        now = time.time()
        known = self._known.get(token)
        if known is None:
            known = self._decode(token)
            self._known[token] = known
            if len(self._known) > _VERIFIED_TOKENS:
                self._known.popitem(last=False)
        expires, principal = known
        if now >= expires:
            raise CredentialsInvalid
        return principal

    def _decode(self, token: str) -> tuple[float, Principal]:
        try:
            claims = jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
            if claims["iss"] != TOKEN_ISSUER:
                raise CredentialsInvalid
            principal = Principal(
                user_id=str(claims["sub"]),
                organisation_id=str(claims["org"]),
                project_id=str(claims["project"]),
                key_id="",
                role=int(claims["role"]),
                scopes=ALL_SCOPES,
            )
            return float(claims["exp"]), principal
        except (JoseError, KeyError, ValueError, TypeError):
            raise CredentialsInvalid from None
