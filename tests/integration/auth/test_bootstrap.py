import asyncio
import json
import os
import stat
import sys
from pathlib import Path

import asyncpg
import pytest

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import GetCurrentUserRequest, ListApiKeysRequest, ListProjectsRequest
from services.auth.bootstrap import bootstrap
from services.runtime.errors import InvalidField
from tests.integration.auth.running import MASTER_KEY, PEPPER, bearer, running_auth, settings

EMAIL = "root@example.org"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "state" / "credentials.json"


def written(output: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(output.read_text())
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def count(dsn: str, table: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM auth.{table}"))  # noqa: S608 - a name of ours
    finally:
        await connection.close()


async def test_the_first_user_logs_in_with_what_the_file_says(userless_url: str, output: Path, tmp_path: Path) -> None:
    assert await bootstrap(settings(userless_url), email=EMAIL, output=output)
    found = written(output)
    assert set(found) == {"email", "password", "api_key"}
    async with running_auth(userless_url, tmp_path / "keys") as auth:
        token = await auth.bearer(found["email"], found["password"])
        for metadata in (token, bearer(found["api_key"])):
            user = (await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=metadata)).user
            assert (user.email, user.role) == (EMAIL, Role.ROLE_PLATFORM_ADMIN)
            projects = (await auth.stub.ListProjects(ListProjectsRequest(), metadata=metadata)).projects
            assert [project.name for project in projects] == ["default"]
            (key,) = (await auth.stub.ListApiKeys(ListApiKeysRequest(), metadata=metadata)).api_keys
            assert list(key.scopes) == [1, 2, 3, 4]


async def test_the_file_is_for_its_owner_only(userless_url: str, output: Path) -> None:
    await bootstrap(settings(userless_url), email=EMAIL, output=output)
    assert mode(output) == 0o600
    assert names_in(output.parent) == ["credentials.json"]


async def test_where_there_are_users_nothing_changes(userless_url: str, output: Path) -> None:
    await bootstrap(settings(userless_url), email=EMAIL, output=output)
    before = written(output)
    assert not await bootstrap(settings(userless_url), email="other@example.org", output=output)
    assert written(output) == before
    assert await count(userless_url, "users") == 1


async def test_of_several_at_once_one_makes_the_user(userless_url: str, output: Path) -> None:
    outcomes = await asyncio.gather(
        *(bootstrap(settings(userless_url), email=f"{number}@example.org", output=output) for number in range(3))
    )
    assert sorted(outcomes) == [False, False, True]
    made = outcomes.index(True)
    assert written(output)["email"] == f"{made}@example.org"
    assert await count(userless_url, "users") == 1


async def test_no_user_is_made_whose_password_cannot_be_written_down(userless_url: str, tmp_path: Path) -> None:
    occupied = tmp_path / "credentials.json"
    occupied.mkdir()
    with pytest.raises(OSError, match=r"credentials\.json"):
        await bootstrap(settings(userless_url), email=EMAIL, output=occupied)
    assert await count(userless_url, "users") == 0
    assert names_in(tmp_path) == ["credentials.json"]


async def test_an_email_that_is_none_is_refused(userless_url: str, output: Path) -> None:
    with pytest.raises(InvalidField):
        await bootstrap(settings(userless_url), email="root", output=output)
    assert names_in(output.parent.parent) == []


async def test_the_command_makes_the_schema_and_the_user(database_url: str, output: Path) -> None:
    secrets = {"PANTHEON_MASTER_KEY": MASTER_KEY, "PANTHEON_KEY_PEPPER": PEPPER, "PANTHEON_ENV_FILE": ""}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.auth.bootstrap", "--email", EMAIL, "--output", str(output)),
        env={**os.environ, **secrets, "PANTHEON_DATABASE_URL": database_url},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert written(output)["email"] == EMAIL
    assert written(output)["password"] not in errors.decode()
    assert await count(database_url, "users") == 1
