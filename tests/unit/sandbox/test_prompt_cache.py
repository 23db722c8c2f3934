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
