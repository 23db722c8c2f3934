"""Who may call what is written down, so that a change of it shows in review."""

import pytest

from pantheon.auth.v1.access_pb2 import (
    AUDIENCE_SERVICE,
    AUDIENCE_UNSPECIFIED,
    AUDIENCE_USER,
    ROLE_UNSPECIFIED,
    SCOPE_UNSPECIFIED,
)
from tests.contract.declared import Rpc, rpcs
from tests.contract.listing import ACCESS, COMMAND, access_lines, committed

RPCS = [pytest.param(rpc, id=rpc.path) for rpc in rpcs()]

# What a verified token says of its caller; see services.runtime.auth.Principal.
IDENTITY = {"user_id", "organisation_id", "project_id", "key_id"}
NOT_THE_CALLER = {
    "pantheon.auth.v1.CreateUserRequest.organisation_id": "where the new user belongs; for platform administrators",
    "pantheon.auth.v1.RevokeApiKeyRequest.key_id": "the key to revoke; whose it is, auth looks up",
    "pantheon.catalog.v1.ListPriceOverridesRequest.organisation_id": "whose; another's for platform administrators",
}


@pytest.mark.parametrize("rpc", RPCS)
def test_every_method_has_an_access_rule(rpc: Rpc) -> None:
    rule = rpc.rule

    assert rule.audience != AUDIENCE_UNSPECIFIED
    for_people = rule.audience == AUDIENCE_USER
    assert (rule.role != ROLE_UNSPECIFIED) == for_people
    assert (rule.scope != SCOPE_UNSPECIFIED) == for_people
    assert bool(rule.services) == (rule.audience == AUDIENCE_SERVICE)


def test_who_may_call_what_is_as_listed() -> None:
    assert access_lines() == committed(ACCESS), f"if the change is meant, run `{COMMAND}`"


def test_identity_comes_from_the_token_alone() -> None:
    named = {
        field.full_name
        for rpc in rpcs()
        if rpc.rule.audience == AUDIENCE_USER
        for field in rpc.request.fields
        if field.name in IDENTITY
    }

    assert named == set(NOT_THE_CALLER)
