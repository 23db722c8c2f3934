"""Pages of provider keys: by provider, those from the environment (which are in no table) first, then oldest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Self

from services.catalog.provider_keys import ProviderKey
from services.runtime.errors import InvalidPageToken
from services.runtime.ids import NIL, is_id
from services.runtime.paging import cut, decode_token

_FROM_ENVIRONMENT, _SET = "0", "1"
_Place = tuple[str, str, str]
"""The provider, where the key comes from, and its number there or its id: as they are ordered."""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """The page asked for: what comes after the place `after`. `query` is what is listed."""

    size: int
    after: _Place
    query: object

    @classmethod
    def asked(cls, size: int, token: str, query: object) -> Self:
        """Reads the paging fields of a request.

        Raises:
            InvalidPageToken: the token is not one of this query.
        """
        provider, source, place = decode_token(token, query, 3) or ("", _FROM_ENVIRONMENT, "")
        if "\0" in provider or (source == _SET and not is_id(place)):
            raise InvalidPageToken
        return cls(size, (provider, source, place), query)

    @property
    def after_set(self) -> tuple[str, str]:
        """Provider and id of the key after which those in the table are to be read, `size` and one of them."""
        provider, source, place = self.after
        return provider, place if source == _SET else NIL

    def cut(self, given: Iterable[ProviderKey], rows: Iterable[ProviderKey]) -> tuple[Sequence[ProviderKey], str]:
        """The keys to show, of all `given` in the environment and the `rows` read; and the token of the next page."""
        entries = [(place, key) for place, key in _placed(given) if place > self.after]
        entries += (((key.provider, _SET, key.id), key) for key in rows)
        entries.sort(key=lambda entry: entry[0])
        shown, token = cut(entries, self.size, self.query, lambda entry: entry[0])
        return [key for _, key in shown], token


def _placed(given: Iterable[ProviderKey]) -> Iterable[tuple[_Place, ProviderKey]]:
    numbers = count()
    return (((key.provider, _FROM_ENVIRONMENT, f"{next(numbers):06}"), key) for key in given)
