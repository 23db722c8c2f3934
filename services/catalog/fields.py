"""Fields of requests that need a look before they reach the database."""

from services.runtime.errors import InvalidField

PAGE_DEFAULT = 100
PAGE_MOST = 1_000


def storable(field: str, text: str) -> str:
    """Text that Postgres takes.

    Raises:
        InvalidField: it holds U+0000, which Postgres has no text with.
    """
    if "\0" in text:
        raise InvalidField(field, text, "text without U+0000")
    return text
