"""What a stack must keep to itself and find again at its next start: keys made once, mode 0600."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.local.errors import DirectoryUnusableError
from services.local.private import write_private

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """The master key (32 random bytes in base64) and the pepper of key hashes (256 random bits); empty: not known."""

    master_key: str = field(default="", repr=False)
    key_pepper: str = field(default="", repr=False)

    def over(self, other: Secrets) -> Secrets:
        """These, and where one is not known, the other's."""
        return Secrets(self.master_key or other.master_key, self.key_pepper or other.key_pepper)


def load_or_make_secrets(path: Path) -> Secrets:
    """The secrets in the JSON file `path`, made at the first call.

    Raises DirectoryUnusableError when the file is there and cannot be read: new keys would lock out everything that
    was encrypted or hashed under the old ones.
    """
    try:
        return Secrets(**json.loads(path.read_text()))
    except FileNotFoundError:
        made = Secrets(base64.b64encode(secrets.token_bytes(_BYTES)).decode(), secrets.token_urlsafe(_BYTES))
        write_private(path, json.dumps(asdict(made)))
        return made
    except (OSError, ValueError, TypeError) as error:
        raise DirectoryUnusableError(f"{path} cannot be read: {error}") from error
