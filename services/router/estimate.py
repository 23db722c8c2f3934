"""How many tokens a prompt is likely to have, for an attempt that ends before its provider has counted them. Pure."""

from services.router.chat import CHARACTERS_PER_TOKEN, Body, ChatRequest

TOKENS_PER_MEDIUM = 1_000
"""What a picture, a sound or a document counts as: about what vendors charge for a picture of a screen's size."""

_LARGE = 16_384
_SHORTEST = 1_024
_MARKS = (b";base64,", b'data"')
"""What stands before base64: the head of a data URL; the name of a member (`data`, `file_data`)."""
_PREFIX = 64
_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\\")
"""Of base64 and its variant for URLs; some write a slash in JSON as `\\/`."""


def prompt_tokens(request: ChatRequest) -> int:
    """A quarter of its characters; but what is base64 in a large request is not text, and counts as media."""
    text, media = _text_and_media(request)
    return -(-text // CHARACTERS_PER_TOKEN) + media * TOKENS_PER_MEDIUM


def text_bytes(request: ChatRequest) -> int:
    """How many bytes it has without what is base64 in it."""
    return _text_and_media(request)[0]


def _text_and_media(request: ChatRequest) -> tuple[int, int]:
    """How many bytes of text there are, and how many media."""
    if request.size <= _LARGE:
        return request.size, 0
    media, coded = _media(request.body)
    return request.size - coded, media


def _media(body: Body) -> tuple[int, int]:
    """How many long texts in base64 there are, and how many bytes they have together."""
    found: dict[tuple[str, int], int] = {}
    for name, value in body.items():
        content = bytes(value)
        if len(content) < _SHORTEST:
            continue
        for mark in _MARKS:
            place = content.find(mark)
            while place >= 0:
                start, end = _text_at(content, place + len(mark), quoted=mark.endswith(b'"'))
                if end - start >= _SHORTEST and _ALPHABET.issuperset(content[start : start + _PREFIX]):
                    found[name, end] = end - start
                place = content.find(mark, max(end, place + 1))
    return len(found), sum(found.values())


def _text_at(content: bytes, place: int, *, quoted: bool) -> tuple[int, int]:
    """From where to where a text runs: from here, or (`quoted`) from behind the quotation mark after a colon."""
    if quoted:
        opening = content.find(b'"', place, place + _PREFIX)
        if opening < 0 or content[place:opening].strip() != b":":
            return place, place
        place = opening + 1
    end = content.find(b'"', place)
    return place, len(content) if end < 0 else end
