from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from joserfc.jwk import KeySet, OKPKey

from pantheon.auth.v1.access_pb2 import Role
from services.auth import tokens
from services.auth.entities import RefreshToken, User
from services.auth.tokens import Exchange, TokenIssuer
from services.runtime import times
from services.runtime.auth import ALL_SCOPES, Principal, TokenVerifier
from services.runtime.errors import CredentialsInvalid
from tests.unit.auth.callers import ORGANISATION_ID, PROJECT_ID, USER_ID

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
USER = User(UUID(USER_ID), UUID(ORGANISATION_ID), "ada@example.org", "Ada", Role.ROLE_PROJECT_ADMIN, NOW)
KEPT = RefreshToken(
    session_id=UUID(USER_ID), user=USER, expires_at=NOW + timedelta(days=30), used_at=None, session_ended_at=None
)


def signing_key(name: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": name})


def verifier(*keys: OKPKey) -> TokenVerifier:
    checks = TokenVerifier()
    checks.set_keys(KeySet(list(keys)))
    return checks


def test_a_token_says_who_its_user_is_with_every_scope() -> None:
    key = signing_key("one")
    token = TokenIssuer(key, timedelta(minutes=15)).issue(USER, UUID(PROJECT_ID), times.now())
    said = verifier(signing_key("other"), key).verify(token)
    assert said == Principal(USER_ID, ORGANISATION_ID, PROJECT_ID, "", Role.ROLE_PROJECT_ADMIN, ALL_SCOPES)


def test_a_token_of_a_key_that_is_not_published_is_refused() -> None:
    token = TokenIssuer(signing_key("one"), timedelta(minutes=15)).issue(USER, UUID(PROJECT_ID), times.now())
    with pytest.raises(CredentialsInvalid):
        verifier(signing_key("one")).verify(token)


def test_a_token_ends_with_its_life() -> None:
    key = signing_key("one")
    issuer = TokenIssuer(key, timedelta(minutes=15))
    checks = verifier(key)
    checks.verify(issuer.issue(USER, UUID(PROJECT_ID), times.now() - timedelta(minutes=14)))
    with pytest.raises(CredentialsInvalid):
        checks.verify(issuer.issue(USER, UUID(PROJECT_ID), times.now() - timedelta(minutes=15)))


def test_refresh_tokens_are_256_random_bits_and_no_api_keys() -> None:
    made = {tokens.new_refresh_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) == 43 for token in made)


@pytest.mark.parametrize(
    ("token", "outcome"),
    (
        (None, Exchange.REFUSED),
        (KEPT, Exchange.GRANTED),
        (replace(KEPT, expires_at=NOW + timedelta(seconds=1)), Exchange.GRANTED),
        (replace(KEPT, expires_at=NOW), Exchange.REFUSED),
        (replace(KEPT, user=replace(USER, disabled_at=NOW)), Exchange.REFUSED),
        (replace(KEPT, used_at=NOW), Exchange.REUSED),
        (replace(KEPT, used_at=NOW, expires_at=NOW), Exchange.REUSED),
        (replace(KEPT, session_ended_at=NOW), Exchange.REFUSED),
        (replace(KEPT, used_at=NOW, session_ended_at=NOW), Exchange.REFUSED),
    ),
)
def test_a_refresh_token_is_exchanged_while_it_is_unused_unexpired_and_its_session_goes_on(
    token: RefreshToken | None, outcome: Exchange
) -> None:
    assert tokens.judge(token, NOW) is outcome
