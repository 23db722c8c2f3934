import importlib
import pkgutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

import pantheon
from pantheon.auth.v1 import access_pb2
from pantheon.auth.v1.access_pb2 import AccessRule, Role, Scope
from services.runtime.auth import ALL_SCOPES, Principal, TokenVerifier, access_rule, authorize
from services.runtime.errors import AccessDenied, CredentialsInvalid, CredentialsMissing
from services.runtime.identity import ALGORITHM

METHOD = "/pantheon.test.v1.TestService/Do"
PUBLIC = AccessRule(audience=access_pb2.AUDIENCE_PUBLIC)
SERVICES = AccessRule(audience=access_pb2.AUDIENCE_SERVICE, services=["router", "usage"])
ADMINISTRATORS = AccessRule(
    audience=access_pb2.AUDIENCE_USER, role=Role.ROLE_ORGANISATION_ADMIN, scope=Scope.SCOPE_ADMIN
)


def declared_methods() -> Iterator[MethodDescriptor]:
    """Every RPC of every proto of Pantheon."""
    for module in pkgutil.walk_packages(pantheon.__path__, "pantheon."):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(module.name).DESCRIPTOR
            for service in file.services_by_name.values():
                yield from service.methods


def caller(role: int = Role.ROLE_ORGANISATION_ADMIN, scopes: frozenset[int] = ALL_SCOPES) -> Principal:
    return Principal("u", "o", "p", "", role, scopes)


@pytest.mark.parametrize("method", tuple(declared_methods()), ids=lambda method: str(method.full_name))
def test_every_rpc_says_who_may_call_it(method: MethodDescriptor) -> None:
    rule = access_rule(method)
    assert rule.audience != access_pb2.AUDIENCE_UNSPECIFIED
    for_people = rule.audience == access_pb2.AUDIENCE_USER
    assert (rule.role != Role.ROLE_UNSPECIFIED) is for_people
    assert (rule.scope != Scope.SCOPE_UNSPECIFIED) is for_people
    assert bool(rule.services) is (rule.audience == access_pb2.AUDIENCE_SERVICE)


def test_the_walk_finds_the_rpcs() -> None:
    names = {method.full_name for method in declared_methods()}
    assert {"pantheon.auth.v1.AuthService.Login", "pantheon.events.v1.ChangeFeedService.GetSnapshot"} <= names


@pytest.mark.parametrize(
    "rule",
    (
        AccessRule(),
        AccessRule(audience=access_pb2.AUDIENCE_USER),
        AccessRule(audience=access_pb2.AUDIENCE_SERVICE),
        AccessRule(services=["router"]),
        AccessRule(audience=access_pb2.AUDIENCE_USER, role=Role.ROLE_MEMBER),
        AccessRule(audience=access_pb2.AUDIENCE_USER, scope=Scope.SCOPE_INFERENCE),
        AccessRule(role=Role.ROLE_MEMBER, scope=Scope.SCOPE_INFERENCE),
    ),
)
def test_without_a_whole_rule_nobody_is_let_through(rule: AccessRule) -> None:
    for principal in (None, caller(Role.ROLE_PLATFORM_ADMIN)):
        for service in (None, "router"):
            with pytest.raises(AccessDenied, match="open to nobody"):
                authorize(METHOD, rule, principal, service)


def test_what_is_public_is_open_to_anyone() -> None:
    authorize(METHOD, PUBLIC, None, None)


def test_what_is_internal_is_for_the_services_named_only() -> None:
    for service in ("router", "usage"):
        authorize(METHOD, SERVICES, None, service)
    for principal in (None, caller(Role.ROLE_PLATFORM_ADMIN)):
        for other in (None, "", "catalog"):
            with pytest.raises(AccessDenied) as refusal:
                authorize(METHOD, SERVICES, principal, other)
            assert refusal.value.metadata == {"method": METHOD, "required": "service identity of router or usage"}


def test_a_service_identity_is_no_user() -> None:
    with pytest.raises(CredentialsMissing):
        authorize(METHOD, ADMINISTRATORS, None, "router")


@pytest.mark.parametrize("role", (Role.ROLE_ORGANISATION_ADMIN, Role.ROLE_PLATFORM_ADMIN))
def test_a_role_includes_those_below_it(role: int) -> None:
    authorize(METHOD, ADMINISTRATORS, caller(role), None)


def test_a_lesser_role_is_refused_naming_the_one_required() -> None:
    with pytest.raises(AccessDenied) as refusal:
        authorize(METHOD, ADMINISTRATORS, caller(Role.ROLE_PROJECT_ADMIN), None)
    assert refusal.value.metadata == {"method": METHOD, "required": "ROLE_ORGANISATION_ADMIN"}


def test_a_missing_scope_is_refused_naming_it() -> None:
    with pytest.raises(AccessDenied) as refusal:
        authorize(METHOD, ADMINISTRATORS, caller(scopes=ALL_SCOPES - {Scope.SCOPE_ADMIN}), None)
    assert refusal.value.metadata == {"method": METHOD, "required": "SCOPE_ADMIN"}


def token(key: OKPKey, **claims: Any) -> str:
    whole = {"iss": "pantheon", "sub": "u", "org": "o", "project": "p", "role": 10, "exp": time.time() + 60}
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, {**whole, **claims}, key, algorithms=[ALGORITHM])


@pytest.fixture
def key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": "one"})


@pytest.fixture
def verifier(key: OKPKey) -> TokenVerifier:
    made = TokenVerifier()
    made.set_keys(KeySet([key]))
    return made


def test_a_login_token_has_every_scope_and_no_key(key: OKPKey, verifier: TokenVerifier) -> None:
    assert verifier.verify(token(key)) == Principal("u", "o", "p", "", Role.ROLE_MEMBER, ALL_SCOPES)


@pytest.mark.parametrize("claims", ({"iss": "router"}, {"role": "king"}, {"sub": None, "exp": None}, {"exp": 0}))
def test_a_token_with_wrong_claims_is_refused(key: OKPKey, verifier: TokenVerifier, claims: dict[str, Any]) -> None:
    with pytest.raises(CredentialsInvalid):
        verifier.verify(token(key, **claims))


def test_a_token_that_was_seen_before_is_refused_once_its_key_is_gone(key: OKPKey, verifier: TokenVerifier) -> None:
    seen = token(key)
    verifier.verify(seen)
    verifier.set_keys(KeySet([OKPKey.generate_key("Ed25519", {"kid": "two"})]))
    with pytest.raises(CredentialsInvalid):
        verifier.verify(seen)


def test_without_keys_every_token_is_refused(key: OKPKey) -> None:
    with pytest.raises(CredentialsInvalid):
        TokenVerifier().verify(token(key))
