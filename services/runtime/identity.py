"""Service identities: each process signs its calls with an Ed25519 key of its own, all know the public halves.

A directory holds `<service>.jwk` (private, mode 0600, only that service's) and `trust.json` (public, a JWK set whose
`kid`s are service names; RFC 7517, RFC 8037). The token is a JWT (Ed25519), good for a minute and for one service
(its `aud`, so that who is called can't call others as the caller), in the `x-pantheon-service` metadata.
"""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from services.runtime.errors import CredentialsInvalid

# RFC 9864 names the curve in the algorithm; the "EdDSA" of RFC 8037 is deprecated.
ALGORITHM = "Ed25519"
_LIFE_SECONDS = 60
_LEEWAY_SECONDS = 30


class ServiceIdentity:
    """What one process signs its calls with."""

    def __init__(self, name: str, key: OKPKey) -> None:
        self.name = name
        self._key = key
        self._tokens: dict[str, tuple[float, str]] = {}

    @classmethod
    def load(cls, directory: Path, name: str) -> "ServiceIdentity":
        """Reads `<directory>/<name>.jwk`.

        Raises:
            SystemExit: it is not there or not a key; the line printed names the variable.
        """
        path = directory / f"{name}.jwk"
        try:
            return cls(name, OKPKey.import_key(json.loads(path.read_text())))
        except (OSError, ValueError, JoseError) as error:
            raise SystemExit(f"PANTHEON_SERVICE_KEYS: {path} can't be read as a key: {error}") from None

    def token(self, audience: str) -> str:
        """A token for the service of this name, good for at least half a minute."""
        now = time.time()
        renew_at, token = self._tokens.get(audience, (0.0, ""))
        if now >= renew_at:
            claims = {"iss": self.name, "aud": audience, "iat": int(now), "exp": int(now) + _LIFE_SECONDS}
            header = {"alg": ALGORITHM, "kid": self.name, "typ": "JWT"}
            token = jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
            self._tokens[audience] = now + _LIFE_SECONDS / 2, token
        return token


class ServiceTrust:
    """What the service `name` knows its callers by: the public halves of all services."""

    def __init__(self, name: str, keys: KeySet) -> None:
        self._name = name
        self._keys = keys

    @classmethod
    def load(cls, directory: Path, name: str) -> "ServiceTrust":
        """Reads `<directory>/trust.json`.

        Raises:
            SystemExit: it is not there or not a key set; the line printed names the variable.
        """
        path = directory / "trust.json"
        try:
            return cls(name, KeySet.import_key_set(json.loads(path.read_text())))
        except (OSError, ValueError, KeyError, JoseError) as error:
            raise SystemExit(f"PANTHEON_SERVICE_KEYS: {path} can't be read as a key set: {error}") from None

    def verify(self, token: str) -> str:
        """The name of the service that signed the token.

        Raises:
            CredentialsInvalid: nobody known signed it, it is for another service, or it is out of date.
        """
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            claims = decoded.claims
            name, issued, expires = str(claims["iss"]), float(claims["iat"]), float(claims["exp"])
        except (JoseError, KeyError, ValueError, TypeError):
            raise CredentialsInvalid from None
        # The issuer must be who the key belongs to, or every service could speak for every other.
        if decoded.header.get("kid") != name or claims.get("aud") != self._name:
            raise CredentialsInvalid
        if not issued - _LEEWAY_SECONDS <= time.time() <= expires + _LEEWAY_SECONDS:
            raise CredentialsInvalid
        return name


def generate(directory: Path, names: Iterable[str]) -> None:
    """Makes the key of each service that has none and writes the trust file anew. Existing keys stay."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    public = []
    for name in names:
        path = directory / f"{name}.jwk"
        if path.exists():
            key = OKPKey.import_key(json.loads(path.read_text()))
        else:
            key = OKPKey.generate_key("Ed25519", {"kid": name, "use": "sig"})
            _write_private(path, json.dumps(key.as_dict(private=True)))
        public.append(key.as_dict(private=False))
    (directory / "trust.json").write_text(json.dumps({"keys": public}, indent=1))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
