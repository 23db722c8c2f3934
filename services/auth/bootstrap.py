"""The first user: `python -m services.auth.bootstrap --email admin@pantheon.local --output credentials.json`.

In a database without any user it makes an organisation, a project, a platform administrator with a random password,
and an API key with all scopes, and writes `{"email", "password", "api_key"}` to a file of mode 0600. Where there are
users already it changes nothing.
"""

import argparse
import asyncio
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from pantheon.auth.v1.access_pb2 import Role
from services.auth import creation, keys, users
from services.auth.entities import ApiKey, Organisation, OwnedKey, Project, User
from services.auth.passwords import Passwords
from services.auth.schema import migrate_schema, open_database
from services.auth.settings import AuthSettings
from services.auth.store import identity
from services.auth.writing import NOBODY, Write, writing
from services.runtime import logging, times
from services.runtime.auth import ALL_SCOPES
from services.runtime.db import lock_for
from services.runtime.ids import uuid7
from services.runtime.keys import secret_hash
from services.runtime.outbox import Outbox

DEFAULT_EMAIL = "admin@pantheon.local"

_ORGANISATION = "default"
_PASSWORD_BYTES = 18


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the first user logs in with."""

    email: str
    password: str
    api_key: str


async def bootstrap(settings: AuthSettings, *, email: str, output: Path) -> bool:
    """Brings the schema up to date and makes the first user unless there is one; says whether it did.

    The file is in place before the transaction commits: a crash between the two leaves a file that the next run
    replaces, never an administrator whose password nobody has seen.

    Raises:
        InvalidField: the email is none.
    """
    address = users.email("email", email)
    await migrate_schema(settings)
    db = open_database(settings)
    passwords = Passwords()
    try:
        async with writing(Outbox(db, "auth"), NOBODY, times.now()) as write:
            await lock_for(write.connection, "pantheon.auth.bootstrap")
            if await identity.has_users(write.connection):
                return False
            credentials = Credentials(address, secrets.token_urlsafe(_PASSWORD_BYTES), keys.new_secret())
            await _add_first_user(write, credentials, await passwords.hash(credentials.password), settings.pepper)
            await asyncio.to_thread(_write_file, output, credentials)
            return True
    finally:
        await passwords.close()
        await db.close()


async def _add_first_user(write: Write, credentials: Credentials, password_hash: str, pepper: bytes) -> None:
    organisation = Organisation(uuid7(), _ORGANISATION, write.now)
    project = await creation.add_organisation(write, organisation)
    role = Role.ROLE_PLATFORM_ADMIN
    user = User(uuid7(), organisation.id, credentials.email, "Administrator", role, write.now)
    await creation.add_user(write, user, password_hash)
    await creation.add_key(write, OwnedKey(_first_key(user, project, credentials.api_key, pepper), role))


def _first_key(user: User, project: Project, secret: str, pepper: bytes) -> ApiKey:
    return ApiKey(
        id=uuid7(),
        organisation_id=user.organisation_id,
        project_id=project.id,
        user_id=user.id,
        name="bootstrap",
        prefix=keys.shown_prefix(secret),
        secret_hash=secret_hash(pepper, secret),
        scopes=tuple(sorted(ALL_SCOPES)),
        created_at=user.created_at,
    )


def _write_file(path: Path, credentials: Credentials) -> None:
    """Replaces the file as a whole; it is readable by its owner only from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(credentials), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m services.auth.bootstrap", description="Make the first user.")
    parser.add_argument("--email", default=DEFAULT_EMAIL, help="its email (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("credentials.json"), help="file (default: %(default)s)")
    arguments = parser.parse_args()
    settings = AuthSettings.load()
    logging.configure("auth.bootstrap", settings.log_level, settings.log_format)
    made = asyncio.run(bootstrap(settings, email=arguments.email, output=arguments.output))
    logging.get_logger().info("bootstrap.done", made=made, email=arguments.email)


if __name__ == "__main__":
    main()
