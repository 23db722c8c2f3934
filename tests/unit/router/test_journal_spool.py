import os
from pathlib import Path

import pytest

from services.router.journal import adopt_unlocked, create_spool, lock_spool


def test_a_spool_is_used_by_one_at_a_time(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    assert lock_spool(spool.directory) is None
    spool.release()
    again = lock_spool(spool.directory)
    assert again is not None
    assert again.id == spool.id
    again.release()


def test_unlocked_spools_are_adopted_oldest_first(tmp_path: Path) -> None:
    spools = [create_spool(tmp_path) for _ in range(3)]
    spools[2].release()
    spools[0].release()
    adopted = adopt_unlocked(tmp_path)
    assert sorted([spools[0].id, spools[2].id]) == [spool.id for spool in adopted]
    assert adopt_unlocked(tmp_path) == []


def test_what_is_no_spool_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    assert adopt_unlocked(tmp_path) == []
    assert adopt_unlocked(tmp_path / "missing") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lost+found", "notes.txt"]


def test_a_removed_spool_is_gone_for_who_had_its_lock_file_open(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    beside = os.open(spool.directory / "lock", os.O_RDWR)
    spool.remove()
    assert lock_spool(spool.directory) is None
    assert list(tmp_path.iterdir()) == []
    os.close(beside)


def test_an_interrupted_removal_is_completed(tmp_path: Path) -> None:
    remains = tmp_path / ".removed-0199aaaa-0000-7000-8000-000000000000"
    remains.mkdir()
    (remains / "0000000001.log").write_bytes(b"anything")
    assert adopt_unlocked(tmp_path) == []
    assert not remains.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_spool_that_may_not_be_read_is_passed_over(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    spool.release()
    spool.directory.chmod(0)
    assert adopt_unlocked(tmp_path) == []
    spool.directory.chmod(0o700)


def test_nobody_else_may_read_a_spool(tmp_path: Path) -> None:
    spool = create_spool(tmp_path)
    assert spool.directory.stat().st_mode & 0o777 == 0o700
    spool.release()
