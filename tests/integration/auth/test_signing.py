import asyncio

import pytest

from services.auth import schema, signing
from services.runtime import times
from services.runtime.sealing import Sealer
from tests.integration.auth.running import settings

SEALER = Sealer([bytes(range(32))], signing.PURPOSE)


async def test_replicas_that_start_together_make_one_key(userless_url: str) -> None:
    db = schema.open_database(settings(userless_url))
    made = await asyncio.gather(*(signing.load_signing(db, SEALER, times.now()) for _ in range(4)))
    await db.close()
    assert len({loaded.key.thumbprint() for loaded in made}) == 1
    assert {loaded.published for loaded in made} == {made[0].published}
    assert made[0].published[0].id == made[0].key.kid


async def test_the_private_half_is_kept_encrypted(userless_url: str) -> None:
    db = schema.open_database(settings(userless_url))
    loaded = await signing.load_signing(db, SEALER, times.now())
    await db.close()
    private = str(loaded.key.as_dict(private=True)["d"])
    assert private not in loaded.published[0].public_jwk
    assert private.encode() not in loaded.published[0].sealed_jwk


async def test_another_master_key_ends_the_process_with_a_line_that_names_it(userless_url: str) -> None:
    db = schema.open_database(settings(userless_url))
    await signing.load_signing(db, SEALER, times.now())
    with pytest.raises(SystemExit, match="PANTHEON_MASTER_KEY: not the one under which"):
        await signing.load_signing(db, Sealer([bytes(32)], signing.PURPOSE), times.now())
    await db.close()
