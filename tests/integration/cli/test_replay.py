"""`pantheon router replay` where what it needs is missing. That it replays is tested with a killed router."""

from pathlib import Path

import pytest

from services.cli.replay import Places, replay_spools
from services.cli.running import CommandFailed
from services.local.nats import LocalNats
from services.local.ports import free_port
from services.router.journal.spool import create_spool
from services.runtime.identity import generate


def places(nats_url: str, keys: Path) -> Places:
    """A NATS, and services that are not there."""
    nowhere = f"127.0.0.1:{free_port()}"
    return Places(nats_url, nowhere, nowhere, keys)


async def test_a_catalog_that_is_not_there_is_told_in_one_line(own_nats: LocalNats, tmp_path: Path) -> None:
    generate(tmp_path / "keys", ["router"])
    create_spool(tmp_path / "spools").release()
    with pytest.raises(CommandFailed, match=r"The catalog service at 127\.0\.0\.1:\d+ can't be reached"):
        await replay_spools(tmp_path / "spools", places(own_nats.url, tmp_path / "keys"), 1)


async def test_a_spool_in_use_is_left_to_its_router(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    try:
        with pytest.raises(CommandFailed, match="in use by a running router"):
            await replay_spools(tmp_path, places("nats://nowhere", tmp_path), 1)
    finally:
        spool.release()


async def test_a_directory_without_spools_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="is no spool and holds none"):
        await replay_spools(tmp_path, places("nats://nowhere", tmp_path), 1)
