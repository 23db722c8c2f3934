from hypothesis import given
from hypothesis import strategies as st

from services.sandbox import text


@given(st.text())
def test_the_tokens_of_a_text_are_counted_and_joined_without_loss(words: str) -> None:
    tokens = text.split_tokens(words)

    assert "".join(tokens) == words
    assert len(tokens) == text.count_tokens(words)


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=1, max_value=2000))
def test_a_passage_has_exactly_the_tokens_ordered(number: int, tokens: int) -> None:
    assert text.count_tokens(text.passage(number, tokens, "the topic")) == tokens


@given(st.integers(min_value=0, max_value=2**64 - 1), st.integers(min_value=1, max_value=200))
def test_a_paragraph_ends_with_a_whole_sentence(number: int, tokens: int) -> None:
    words = text.paragraph(number, tokens)

    assert text.count_tokens(words) >= tokens
    assert words.endswith(".")


def test_neighbouring_numbers_give_different_paragraphs() -> None:
    assert len({text.paragraph(number, 60) for number in range(50)}) == 50


def test_a_long_question_is_quoted_on_one_line_and_cut_off() -> None:
    topic = text.topic_of("What\n is  the " + "very " * 40 + "end?")

    assert topic.startswith("What is the very")
    assert topic.endswith("…")
    assert len(topic) <= 48


def test_a_digest_depends_on_where_one_part_ends_and_the_next_begins() -> None:
    assert text.digest("ab", "c") != text.digest("a", "bc")
    assert text.digest("ab", "c") == text.digest("ab", "c")
