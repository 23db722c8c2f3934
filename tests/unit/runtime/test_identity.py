import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ALGORITHM, ServiceIdentity, ServiceTrust, generate


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    generate(tmp_path / "keys", ("router", "usage"))
    return tmp_path / "keys"


@pytest.fixture
def trust(directory: Path) -> ServiceTrust:
    return ServiceTrust.load(directory, "catalog")


def private_key(directory: Path, name: str) -> OKPKey:
    return OKPKey.import_key(json.loads((directory / f"{name}.jwk").read_text()))


def signed(key: OKPKey, kid: str | None, **claims: Any) -> str:
    now = int(time.time())
    header = {"alg": ALGORITHM} if kid is None else {"alg": ALGORITHM, "kid": kid}
    return jwt.encode(header, {"iat": now, "exp": now + 60, "aud": "catalog", **claims}, key, algorithms=[ALGORITHM])


def test_a_service_is_known_by_what_it_signs(directory: Path, trust: ServiceTrust) -> None:
    for name in ("router", "usage"):
        assert trust.verify(ServiceIdentity.load(directory, name).token("catalog")) == name


def test_a_token_is_used_again_while_it_is_fresh(directory: Path) -> None:
    identity = ServiceIdentity.load(directory, "router")
    assert identity.token("catalog") == identity.token("catalog")


@pytest.mark.parametrize("audience", ("auth", "", None, ["catalog"], 7))
def test_a_token_for_another_service_is_refused(directory: Path, trust: ServiceTrust, audience: object) -> None:
    with pytest.raises(CredentialsInvalid):
        trust.verify(signed(private_key(directory, "router"), "router", iss="router", aud=audience))


def test_each_service_is_signed_for_on_its_own(directory: Path, trust: ServiceTrust) -> None:
    identity = ServiceIdentity.load(directory, "router")
    for_auth, for_catalog = identity.token("auth"), identity.token("catalog")
    assert trust.verify(for_catalog) == "router"
    with pytest.raises(CredentialsInvalid):
        trust.verify(for_auth)


def test_no_service_signs_as_another(directory: Path, trust: ServiceTrust) -> None:
    router = private_key(directory, "router")
    assert trust.verify(signed(router, "router", iss="router")) == "router"
    for kid, issuer in (("router", "usage"), ("usage", "usage"), ("usage", "router"), (None, "router")):
        with pytest.raises(CredentialsInvalid):
            trust.verify(signed(router, kid, iss=issuer))


def test_a_key_of_the_same_name_is_not_the_same_key(trust: ServiceTrust) -> None:
    impostor = OKPKey.generate_key("Ed25519", {"kid": "router"})
    with pytest.raises(CredentialsInvalid):
        trust.verify(signed(impostor, "router", iss="router"))


@pytest.mark.parametrize(("issued", "expires"), ((-600, -60), (600, 660)))
def test_a_token_out_of_date_is_refused(directory: Path, trust: ServiceTrust, issued: int, expires: int) -> None:
    now = int(time.time())
    token = signed(private_key(directory, "router"), "router", iss="router", iat=now + issued, exp=now + expires)
    with pytest.raises(CredentialsInvalid):
        trust.verify(token)


@pytest.mark.parametrize("token", ("", "x", "a.b.c", "é.é.é"))
def test_what_is_no_token_is_refused(trust: ServiceTrust, token: str) -> None:
    with pytest.raises(CredentialsInvalid):
        trust.verify(token)


@pytest.mark.parametrize("claims", ({}, {"iss": "router", "exp": "soon"}, {"iss": None}))
def test_a_token_without_its_claims_is_refused(directory: Path, trust: ServiceTrust, claims: dict[str, Any]) -> None:
    with pytest.raises(CredentialsInvalid):
        trust.verify(signed(private_key(directory, "router"), "router", **claims))


def test_an_unsigned_token_is_refused(directory: Path, trust: ServiceTrust) -> None:
    _, body, _ = signed(private_key(directory, "router"), "router", iss="router").split(".")
    for header in ("eyJhbGciOiJub25lIiwia2lkIjoicm91dGVyIn0", "eyJhbGciOiJIUzI1NiIsImtpZCI6InJvdXRlciJ9"):
        with pytest.raises(CredentialsInvalid):
            trust.verify(f"{header}.{body}.")


def test_keys_that_exist_stay_when_services_are_added(directory: Path) -> None:
    before = (directory / "router.jwk").read_bytes()
    token = ServiceIdentity.load(directory, "router").token("catalog")
    generate(directory, ("router", "usage", "catalog"))
    assert (directory / "router.jwk").read_bytes() == before
    assert ServiceTrust.load(directory, "catalog").verify(token) == "router"


def test_private_halves_are_for_their_owner_and_nowhere_else(directory: Path) -> None:
    assert stat.S_IMODE((directory / "router.jwk").stat().st_mode) == 0o600
    assert private_key(directory, "router").is_private
    assert all("d" not in key for key in json.loads((directory / "trust.json").read_text())["keys"])


@pytest.mark.parametrize("content", (None, "", "{}", '{"kty": "OKP"}'))
def test_a_key_that_cannot_be_read_ends_the_process_with_a_line_that_names_it(
    directory: Path, content: str | None
) -> None:
    for name in ("router.jwk", "trust.json"):
        if content is None:
            (directory / name).unlink()
        else:
            (directory / name).write_text(content)
    with pytest.raises(SystemExit, match=r"PANTHEON_SERVICE_KEYS: .*router\.jwk"):
        ServiceIdentity.load(directory, "router")
    with pytest.raises(SystemExit, match=r"PANTHEON_SERVICE_KEYS: .*trust\.json"):
        ServiceTrust.load(directory, "router")
