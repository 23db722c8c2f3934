from collections.abc import AsyncIterator

import pytest

from services.auth.passwords import Passwords


@pytest.fixture(scope="module")
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    await made.close()


async def test_a_password_is_kept_as_argon2id_with_the_parameters_rfc_9106_recommends(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.matches(stored, "correct horse")
    assert not await passwords.matches(stored, "correct house")


@pytest.mark.parametrize("stored", (None, "", "not a hash"))
async def test_where_nothing_is_stored_no_password_matches(passwords: Passwords, stored: str | None) -> None:
    assert not await passwords.matches(stored, "correct horse")
