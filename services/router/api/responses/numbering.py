"""Which of an answer's calls a piece of a stream belongs to, and halves of characters that come in two pieces."""

from collections.abc import MutableMapping


class CallNumbers:
    """Numbers the calls of tools in the order in which they begin. Mostly a piece's index says which it belongs to.

    Some providers leave the index out, others give 0 to each of several calls: there another id, or a name where there
    are no ids, begins another call.
    """

    def __init__(self) -> None:
        self._latest: MutableMapping[int | None, int] = {}
        self._ids: list[str] = []

    def number(self, index: int | None, call_id: str, *, named: bool) -> int:
        """The call's number, from 0."""
        latest = self._latest.get(index)
        if latest is not None:
            known = self._ids[latest]
            another = call_id != known if call_id and known else index is None and not call_id
            if not (named and another):
                self._ids[latest] = known or call_id
                return latest
        self._latest[index] = len(self._ids)
        self._ids.append(call_id)
        return len(self._ids) - 1


class Halves:
    """Joins halves of surrogate pairs, where a provider cuts a character in two; a lone one is replaced."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str, *, last: bool = False) -> str:
        """The text as far as it is whole, with what was held back; with `last` nothing is."""
        if not self._half:
            try:
                text.encode()
            except UnicodeEncodeError:
                pass
            else:
                return text
        text = self._half + text
        self._half = ""
        if not last and "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
