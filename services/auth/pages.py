"""Pages of lists that are in the order of their ids, which is the order in which things were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar
from uuid import UUID

from services.runtime.errors import InvalidPageToken
from services.runtime.paging import cut, decode_token, page_size

_DEFAULT = 100
_MOST = 1_000


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=_Row)


@dataclass(frozen=True, slots=True)
class Page:
    """The page asked for: what comes after the row with the id `after`. `query` is what is listed."""

    size: int
    after: UUID | None
    query: tuple[object, ...]

    @classmethod
    def asked(cls, size: int, token: str, *query: object) -> Self:
        """Reads the paging fields of a request.

        Raises:
            InvalidField: the size is negative.
            InvalidPageToken: the token is not one of this query.
        """
        last = decode_token(token, query, 1)
        try:
            after = UUID(last[0]) if last else None
        except ValueError:
            raise InvalidPageToken from None
        return cls(page_size(size, _DEFAULT, _MOST), after, query)

    @property
    def limit(self) -> int:
        """How many rows to read: one more than are shown, to see whether there is a next page."""
        return self.size + 1

    def cut(self, rows: Sequence[Row]) -> tuple[Sequence[Row], str]:
        """The rows to show, of up to `limit` read, and the token of the next page: empty if this is the last."""
        return cut(rows, self.size, self.query, lambda row: (str(row.id),))
