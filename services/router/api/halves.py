"""Halves of characters that come in two pieces."""


class Halves:
    """Joins halves of surrogate pairs, where a provider cuts a character in two; a lone one is replaced."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str, *, last: bool = False) -> str:
        """The text as far as it is whole, with what was held back; with `last` nothing is."""
        text, self._half = self._half + text, ""
        if not last and "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return sound(text)


def sound(text: str) -> str:
    """The text as UTF-8 can say it: halves that stand side by side are joined, a lone one is replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
