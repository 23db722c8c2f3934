import base64
import stat
from pathlib import Path

import pytest

from services.local.errors import DirectoryUnusableError
from services.local.stack.secrets import Secrets, load_or_make_secrets


def test_they_are_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = load_or_make_secrets(path)
    assert len(base64.b64decode(made.master_key)) == 32
    assert len(made.key_pepper) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_secrets(path) == made


def test_a_broken_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{")
    with pytest.raises(DirectoryUnusableError, match=r"secrets\.json cannot be read"):
        load_or_make_secrets(path)
    assert path.read_text() == "{"


def test_what_is_given_wins_over_what_is_kept() -> None:
    assert Secrets(key_pepper="given").over(Secrets("kept", "kept")) == Secrets("kept", "given")


def test_they_are_not_shown() -> None:
    assert "kept" not in repr(Secrets("kept", "kept"))
