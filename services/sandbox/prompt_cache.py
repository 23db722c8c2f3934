"""Which prompt prefixes a simulated provider has seen lately.

After OpenAI's "Prompt caching" guide: prefixes count from 1,024 tokens on, in steps of 128. And after Anthropic's:
they count from 1,024 tokens on, are kept where the client marks the end of one, and found at the end of any block.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from services.sandbox.chat import CacheBlock
from services.sandbox.text import CHARS_PER_TOKEN, tokens_for

_FIRST_CHARS = 1024 * CHARS_PER_TOKEN
_STEP_TOKENS = 128
_STEP_CHARS = _STEP_TOKENS * CHARS_PER_TOKEN


class PromptCache:
    """Remembers up to `capacity` prefixes and forgets those unused for longest."""

    def __init__(self, capacity: int = 65_536) -> None:
        self._capacity = capacity
        self._prefixes: OrderedDict[bytes, None] = OrderedDict()

    def cached_tokens(self, scope: str, prompt: str) -> int:
        """Tokens at the beginning of `prompt` that an earlier prompt of the same scope shared; remembers this one.

        `scope` keeps providers, models and customers apart.
        """
        if len(prompt) <= _FIRST_CHARS:
            return 0
        state = hashlib.blake2b(scope.encode(), digest_size=16)
        cached = 0
        start, end = 0, _FIRST_CHARS
        while end <= len(prompt):
            state.update(prompt[start:end].encode("utf-8", "surrogatepass"))
            key = state.digest()
            if key in self._prefixes:
                cached = end // CHARS_PER_TOKEN
                self._prefixes.move_to_end(key)
            else:
                self._prefixes[key] = None
            start, end = end, end + _STEP_CHARS
        self._forget()
        return cached

    def marked(self, scope: str, prompt: str, blocks: Sequence[CacheBlock]) -> tuple[int, int]:
        """Tokens of the longest prefix kept, and those behind it that are kept from now on, up to the last mark."""
        state = hashlib.blake2b(scope.encode(), digest_size=16)
        last = max((block.end for block in blocks if block.marked), default=0)
        read = written = start = 0
        for block in blocks:
            state.update(prompt[start : block.end].encode("utf-8", "surrogatepass"))
            start = block.end
            if not _FIRST_CHARS <= block.end <= last:
                continue
            if (key := b"marked" + state.digest()) in self._prefixes:
                read = tokens_for(block.end)
                self._prefixes.move_to_end(key)
            elif block.marked:
                self._prefixes[key] = None
                written = tokens_for(block.end)
        self._forget()
        return read, max(0, written - read)

    def _forget(self) -> None:
        while len(self._prefixes) > self._capacity:
            self._prefixes.popitem(last=False)
