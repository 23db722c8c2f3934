from collections.abc import Iterable

import pytest

from services.catalog.seed.naming import LATEST, Named, Naming, Snapshots, stem_and_date, told_apart

OPENAI = Naming("openai", {})
ANTHROPIC = Naming("anthropic", {})
GOOGLE = Naming("google", {"google/gemini-pro-1.5": "google/gemini-1.5-pro"})
AGGREGATOR = Naming("", {"google/gemini-pro-1.5": "google/gemini-1.5-pro"})


def snapshots(vendors: Iterable[str] = (), aggregators: Iterable[str] = (), entries: Iterable[str] = ()) -> Snapshots:
    return Snapshots.among(vendors, aggregators, entries)


@pytest.mark.parametrize(
    ("naming", "served", "canonical"),
    (
        (OPENAI, "gpt-4", "openai/gpt-4"),
        (OPENAI, "gpt-35-turbo", "openai/gpt-3.5-turbo"),
        (OPENAI, "gpt-5-1-codex", "openai/gpt-5.1-codex"),
        (OPENAI, "gpt-4-1106-preview", "openai/gpt-4-1106-preview"),
        (OPENAI, "GPT-4O", "openai/gpt-4o"),
        (ANTHROPIC, "claude-3-5-sonnet-20240620", "anthropic/claude-3.5-sonnet-20240620"),
        (ANTHROPIC, "claude-3-opus-20240229", "anthropic/claude-3-opus-20240229"),
        (ANTHROPIC, "claude-opus-4-0", "anthropic/claude-opus-4"),
        (ANTHROPIC, "claude-opus-4-1-20250805", "anthropic/claude-opus-4.1-20250805"),
        (ANTHROPIC, "claude-opus-4-20250514", "anthropic/claude-opus-4-20250514"),
        (ANTHROPIC, "claude-2.0", "anthropic/claude-2.0"),
        (AGGREGATOR, "anthropic/claude-4.5-haiku-20251001", "anthropic/claude-haiku-4.5-20251001"),
        (AGGREGATOR, "anthropic/claude-3.5-sonnet:beta", "anthropic/claude-3.5-sonnet"),
        (AGGREGATOR, "anthropic/claude-3.7-sonnet:thinking", "anthropic/claude-3.7-sonnet:thinking"),
        (AGGREGATOR, "openai/gpt-5.5-20260423", "openai/gpt-5.5-2026-04-23"),
        (AGGREGATOR, "~openai/gpt-latest", "openai/gpt-latest"),
        (AGGREGATOR, "google/gemini-pro-1.5", "google/gemini-1.5-pro"),
        (GOOGLE, "gemini-1.5-pro", "google/gemini-1.5-pro"),
        (AGGREGATOR, "meta-llama/llama-3-70b-instruct", "meta-llama/llama-3-70b-instruct"),
    ),
)
def test_providers_spellings_come_out_as_one(naming: Naming, served: str, canonical: str) -> None:
    assert naming.canonical(served) == canonical


@pytest.mark.parametrize(
    ("canonical", "parts"),
    (
        ("openai/gpt-4o-2024-08-06", ("openai/gpt-4o", "20240806")),
        ("anthropic/claude-3-opus-20240229", ("anthropic/claude-3-opus", "20240229")),
        ("openai/gpt-4-0613", ("openai/gpt-4", "0613")),
        ("openai/gpt-5-chat-latest", ("openai/gpt-5-chat", LATEST)),
        ("openai/gpt-4", ("openai/gpt-4", "")),
        ("mistralai/mistral-large-2407", ("mistralai/mistral-large-2407", "")),
        ("google/gemini-2.5-flash-preview-09-2025", ("google/gemini-2.5-flash-preview-09-2025", "")),
    ),
)
def test_dates_are_told_from_other_numbers(canonical: str, parts: tuple[str, str]) -> None:
    assert stem_and_date(canonical) == parts


def test_the_only_snapshot_is_the_model_itself() -> None:
    ids = ("gpt-4.1", "gpt-4.1-2025-04-14")
    known = snapshots(vendors=map(OPENAI.canonical, ids))

    assert told_apart(ids, "gpt-4.1", OPENAI, known, ()) == [Named("openai/gpt-4.1", "gpt-4.1", ids)]


def test_each_of_several_snapshots_is_a_model_of_its_own() -> None:
    ids = ("gpt-4", "gpt-4-0314", "gpt-4-0613")
    known = snapshots(vendors=map(OPENAI.canonical, ids))

    assert [(model.canonical, model.served) for model in told_apart(ids, "gpt-4", OPENAI, known, ())] == [
        ("openai/gpt-4", "gpt-4"),
        ("openai/gpt-4-0314", "gpt-4-0314"),
        ("openai/gpt-4-0613", "gpt-4-0613"),
    ]


def test_another_model_of_the_same_price_stays_another_model() -> None:
    ids = ("gpt-5", "gpt-5-codex")
    known = snapshots(vendors=map(OPENAI.canonical, ids))

    assert [model.canonical for model in told_apart(ids, "gpt-5", OPENAI, known, ())] == [
        "openai/gpt-5",
        "openai/gpt-5-codex",
    ]


def test_an_id_known_to_be_served_is_sent_rather_than_the_entrys_own() -> None:
    ids = ("claude-3-haiku", "claude-3-haiku-20240307")
    known = snapshots(vendors=map(ANTHROPIC.canonical, ids))
    (model,) = told_apart(ids, "claude-3-haiku", ANTHROPIC, known, {"claude-3-haiku-20240307"})

    assert (model.canonical, model.served) == ("anthropic/claude-3-haiku", "claude-3-haiku-20240307")


def test_the_dotted_spelling_is_sent_rather_than_another() -> None:
    ids = ("gpt-5-1", "gpt-5.1")
    (model,) = told_apart(ids, "gpt-5.1", OPENAI, snapshots(vendors=map(OPENAI.canonical, ids)), ())

    assert model.served == "gpt-5.1"


def test_a_slug_of_an_aggregator_means_the_entry_it_stands_in() -> None:
    ids = ("deepseek/deepseek-v4-flash-0731", "deepseek/deepseek-v4-flash-20260731")
    others = ("deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash-20260423")
    known = snapshots(aggregators=ids + others, entries=(ids[0], others[0]))

    assert told_apart(ids, ids[0], AGGREGATOR, known, ()) == [Named(ids[0], ids[0], ids)]
    assert told_apart(others, others[0], AGGREGATOR, known, ()) == [Named(others[0], others[0], others)]


def test_a_dated_id_with_an_entry_of_its_own_stays_a_model_of_its_own() -> None:
    main = "qwen/qwen3.5-plus-20260420"
    known = snapshots(aggregators=(main, "qwen/qwen3.5-plus"), entries=(main,))

    assert told_apart((main,), main, AGGREGATOR, known, ()) == [Named(main, main, (main,))]


def test_a_name_that_moves_means_the_model_it_is_named_after() -> None:
    ids = ("gpt-5", "gpt-5-chat", "gpt-5-chat-latest")
    known = snapshots(vendors=map(OPENAI.canonical, ids))
    models = told_apart(ids, "gpt-5", OPENAI, known, {"gpt-5-chat-latest"})

    assert [(model.canonical, model.served) for model in models] == [
        ("openai/gpt-5", "gpt-5"),
        ("openai/gpt-5-chat", "gpt-5-chat-latest"),
    ]


def test_a_name_that_moves_between_models_is_a_model_of_its_own() -> None:
    ids = ("gemini-3.8-flash", "gemini-flash-latest")
    known = snapshots(vendors=map(GOOGLE.canonical, ids))

    assert [model.canonical for model in told_apart(ids, "gemini-3.8-flash", GOOGLE, known, ())] == [
        "google/gemini-3.8-flash",
        "google/gemini-flash-latest",
    ]
