"""Custom models' own secret keys, in memory only."""

from collections.abc import Iterable
from typing import NamedTuple

from pantheon.catalog.v1.provider_key_pb2 import CustomModelSecret
from services.router.catalog import CustomModel, Key


class _Kept(NamedTuple):
    version: int
    key: Key


class CustomKeys:
    """The keys by model. Each is of a model as it was when the key was set."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def put(self, asked: Iterable[str], secrets: Iterable[CustomModelSecret]) -> None:
        """Takes what the catalog has for the models it was asked for; those it has no secret for have none."""
        for id_ in asked:
            self._kept.pop(id_, None)
        for secret in secrets:
            self._kept[secret.custom_model_id] = _Kept(secret.key_version, Key(secret.secret, origin=secret.origin))

    def is_awaited(self, model: CustomModel) -> bool:
        """Whether the model has a key that is not here yet."""
        return bool(model.key_version) and self.key_of(model) is None

    def key_of(self, model: CustomModel) -> Key | None:
        """The model's present key, if it has one and it is here."""
        kept = self._kept.get(model.id)
        return kept.key if kept is not None and kept.version == model.key_version else None
