"""Made-up text and the token counter that goes with it.

A token is four code points, whatever they are: `count_tokens` needs no vocabulary, cutting at a token limit is a
slice, and the pieces a stream sends are exactly the tokens that are billed.
"""

import hashlib

CHARS_PER_TOKEN = 4

_SENTENCES = (
    "The short answer is that it depends on where the limit is set and who has to live with it.",
    "A careful reading starts with the figures and only then turns to the explanation.",
    "Most of the effort goes into the last tenth, which is also the part that people notice.",
    "It helps to write the expected result down before measuring anything.",
    "Two of the three usual causes can be ruled out by looking at the timestamps alone.",
    "The cheaper option is good enough in nine cases out of ten, and the tenth is easy to recognise.",
    "What looks like noise in a single day turns into a pattern over a quarter.",
    "A small table of examples says more here than a page of definitions.",
    "The order of the steps matters less than having someone who checks each of them.",
    "Where both readings are possible, the older document is the better guide.",
    "Once the units agree, the rest of the calculation fits on the back of an envelope.",
    "The exception is a request that arrives while the previous one is still open.",
    "In practice the queue is short, and its length is the first thing to look at when it is not.",
    "Nothing in the data contradicts this, though the sample is smaller than one would like.",
    "The simplest design keeps the record and the action in the same place.",
    "Costs follow the same curve, shifted by about a week.",
    "Whoever maintains it next will be grateful for a name that says what it holds.",
    "If the answer has to be exact, count; if it has to be quick, estimate and say so.",
    "The remaining difference comes from rounding and disappears in the yearly total.",
    "That leaves one open question, which is better asked than guessed at.",
    "A second opinion is worth having before the change is made permanent.",
    "The effect is largest at the edges, and hardly visible in the middle.",
    "Put differently, the constraint that hurts today is the one that made it reliable.",
)
_STRIDES = (1, 2, 3, 5, 7, 11, 13, 17, 19)
"""Steps through the sentences; their number is prime, so that each stride visits all of them."""
_TOPIC_CHARS = 48


def tokens_for(chars: int) -> int:
    """Tokens of a text with so many code points: a quarter of them, rounded up."""
    return (chars + CHARS_PER_TOKEN - 1) // CHARS_PER_TOKEN


def count_tokens(text: str) -> int:
    """Tokens of a text."""
    return tokens_for(len(text))


def split_tokens(text: str) -> list[str]:
    """The tokens of a text, in order; joined they are the text again."""
    return [text[start : start + CHARS_PER_TOKEN] for start in range(0, len(text), CHARS_PER_TOKEN)]


def digest(*parts: str) -> int:
    """A 64-bit number that stays the same for the same parts, on every machine and in every process."""
    state = hashlib.blake2b(digest_size=8)
    for part in parts:
        state.update(part.encode("utf-8", "surrogatepass"))
        state.update(b"\x00")
    return int.from_bytes(state.digest(), "big")


def topic_of(question: str) -> str:
    """The beginning of a question on one line, to be quoted in an answer; empty for an empty question."""
    topic = " ".join(question[: 4 * _TOPIC_CHARS].split())
    return topic if len(topic) <= _TOPIC_CHARS else topic[: _TOPIC_CHARS - 1].rstrip() + "…"


def paragraph(number: int, tokens: int, topic: str = "") -> str:
    """Whole sentences of at least `tokens` tokens, chosen by `number`, opening with the topic."""
    wanted = tokens * CHARS_PER_TOKEN
    stride = _STRIDES[number % len(_STRIDES)]
    position = number // len(_STRIDES)
    opening = f"On “{topic}”:" if topic else ""
    pieces, length = ([opening], len(opening)) if opening else ([], 0)
    while length < wanted:
        sentence = _SENTENCES[position % len(_SENTENCES)]
        pieces.append(sentence)
        length += len(sentence) + 1
        position += stride
    return " ".join(pieces)


def passage(number: int, tokens: int, topic: str = "") -> str:
    """A paragraph of exactly `tokens` tokens, cut off where they end."""
    return paragraph(number, tokens, topic)[: tokens * CHARS_PER_TOKEN] if tokens else ""
