from services.sandbox.chat import CacheBlock
from services.sandbox.prompt_cache import PromptCache

LONG = "".join(f"{number:07d} " for number in range(800))  # 6,400 characters: 1,600 tokens


def test_a_repeated_prompt_is_cached_in_whole_steps() -> None:
    cache = PromptCache()

    assert cache.cached_tokens("a", LONG) == 0
    assert cache.cached_tokens("a", LONG) == 1024 + 4 * 128


def test_only_the_common_beginning_counts() -> None:
    cache = PromptCache()
    cache.cached_tokens("a", LONG)

    assert cache.cached_tokens("a", LONG[:5000] + "otherwise" * 200) == 1024 + 128
    assert cache.cached_tokens("a", "x" + LONG) == 0


def test_scopes_do_not_share() -> None:
    cache = PromptCache()
    cache.cached_tokens("a", LONG)

    assert cache.cached_tokens("b", LONG) == 0


def test_short_prompts_are_never_cached() -> None:
    cache = PromptCache()
    cache.cached_tokens("a", LONG[:4096])

    assert cache.cached_tokens("a", LONG[:4096]) == 0


def test_what_was_unused_for_longest_is_forgotten() -> None:
    cache = PromptCache(capacity=5)
    cache.cached_tokens("a", LONG)
    cache.cached_tokens("b", LONG)

    assert cache.cached_tokens("a", LONG) == 0


def test_a_prefix_is_kept_where_it_is_marked_and_found_at_any_blocks_end() -> None:
    cache = PromptCache()
    first = [CacheBlock(4800, marked=True), CacheBlock(6400, marked=False)]
    later = [CacheBlock(4800, marked=False), CacheBlock(6400, marked=True)]

    assert cache.marked("a", LONG, first) == (0, 1200)
    assert cache.marked("a", LONG, later) == (1200, 400)
    assert cache.marked("a", LONG, later) == (1600, 0)
    assert cache.marked("a", "x" + LONG[1:], later) == (0, 1600)


def test_nothing_is_kept_unmarked_or_below_the_least_length() -> None:
    cache = PromptCache()
    blocks = [CacheBlock(2000, marked=True), CacheBlock(6400, marked=False)]

    assert cache.marked("a", LONG, blocks) == (0, 0)
    assert cache.marked("a", LONG, blocks) == (0, 0)
