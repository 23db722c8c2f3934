"""The parameters of a query string, taken by name and type; whatever else is there is refused. Pure."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from starlette.requests import Request

from services.edge.rest import decimals
from services.runtime.errors import InvalidField

PAGE = ("page_size", "page_token")
"""The parameters of every list."""

_NAME_SHOWN = 100
_INT32_MOST = 2**31 - 1
_INT64_MOST = 2**63 - 1
_FLAGS = {"true": True, "false": False}


class Query:
    """What a URL asks for: each parameter at most once, those that are lists as often as wanted."""

    def __init__(
        self, parameters: Iterable[tuple[str, str]], known: Collection[str], lists: Collection[str] = ()
    ) -> None:
        """Raises InvalidField: a parameter is unknown, or repeated and no list.

        The value of an unknown one is not repeated: it may be a secret in the wrong place.
        """
        self._given: dict[str, list[str]] = {}
        for name, value in parameters:
            if name not in known and name not in lists:
                allowed = f"expected {', '.join((*known, *lists))}" if known or lists else "there are no parameters"
                raise InvalidField(name[:_NAME_SHOWN], "unknown parameter", allowed)
            if name in self._given and name not in lists:
                raise InvalidField(name, value, "it may be given once")
            self._given.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str = "") -> str:
        """As it was given."""
        return self._given[name][0] if name in self else default

    def texts(self, name: str) -> list[str]:
        """All values of a list, in their order."""
        return self._given.get(name, [])

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing.

        Raises:
            InvalidField: it is something else.
        """
        text = self.text(name, "false")
        if text not in _FLAGS:
            raise InvalidField(name, text, "true or false")
        return _FLAGS[text]

    def whole_number(self, name: str, most: int = _INT64_MOST) -> int:
        """A whole number from 0 on; 0 where it is missing.

        Raises:
            InvalidField: it is something else.
        """
        text = self.text(name, "0")
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
            raise InvalidField(name, text, f"a whole number, 0 to {most}")
        return int(text)

    def decimal(self, name: str) -> Decimal | None:
        """An exact number from 0 on, in plain notation; None where it is missing.

        Raises:
            InvalidField: it is something else.
        """
        return decimals.read(name, self.text(name)) if name in self else None

    @property
    def page_size(self) -> int:
        """How many to list; 0: as many as the service likes."""
        return self.whole_number("page_size", _INT32_MOST)

    @property
    def page_token(self) -> str:
        """Which page; empty: the first."""
        return self.text("page_token")


def no_parameters(request: Request) -> None:
    """Lets no query string pass where nothing is asked for by one: what it says would go unheard.

    Raises:
        InvalidField: there is a parameter.
    """
    Query(request.query_params.multi_items(), ())
