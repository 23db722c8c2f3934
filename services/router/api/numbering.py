"""Which of an answer's calls of tools a piece of a stream belongs to."""


class CallNumbers:
    """Numbers calls in the order in which they begin. Mostly a piece's index says which it belongs to.

    Some providers leave the index out, others give 0 to each of several calls: there another id, or a name where there
    are no ids, begins another call. With `as_given` a call's number is its index, where no other call has it.
    """

    __slots__ = ("_as_given", "_ids", "_latest")

    def __init__(self, *, as_given: bool = False) -> None:
        self._as_given = as_given
        self._latest: dict[int | None, int] = {}
        self._ids: dict[int, str] = {}

    def number(self, index: int | None, call_id: str, *, named: bool) -> int:
        """The call's number, from 0."""
        latest = self._latest.get(index)
        if latest is not None:
            known = self._ids[latest]
            another = call_id != known if call_id and known else index is None and not call_id
            if not (named and another):
                self._ids[latest] = known or call_id
                return latest
        own = self._as_given and index is not None and index not in self._ids
        number = index if own and index is not None else max(self._ids, default=-1) + 1
        self._latest[index] = number
        self._ids[number] = call_id
        return number
