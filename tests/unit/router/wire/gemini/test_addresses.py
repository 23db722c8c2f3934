"""Where requests go."""

import pytest

from services.router.wire.gemini import Gemini, GeminiCountTokens, GeminiEmbeddings

GOOGLE = "https://generativelanguage.googleapis.com"
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/google"


@pytest.mark.parametrize(
    ("base", "expected"),
    (
        (GOOGLE, f"{GOOGLE}/v1beta/models/m"),
        (f"{GOOGLE}/", f"{GOOGLE}/v1beta/models/m"),
        (f"{GOOGLE}/v1beta", f"{GOOGLE}/v1beta/models/m"),
        (f"{GOOGLE}/v1", f"{GOOGLE}/v1/models/m"),
        (f"{GOOGLE}/v1alpha", f"{GOOGLE}/v1alpha/models/m"),
        (VERTEX, f"{VERTEX}/models/m"),
        ("http://localhost:8099/gemini", "http://localhost:8099/gemini/v1beta/models/m"),
        ("http://v1.example:80/proxy", "http://v1.example:80/proxy/v1beta/models/m"),
    ),
)
def test_a_base_keeps_its_version_and_gets_one_if_it_has_none(base: str, expected: str) -> None:
    assert Gemini().request_url(base, "m", stream=False) == f"{expected}:generateContent"


@pytest.mark.parametrize(
    ("model", "expected"),
    (
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("publishers/google/models/g", "publishers/google/models/g"),
        ("claude@20250101", "models/claude@20250101"),
        ("models/../../v1/files", "models/models%2F..%2F..%2Fv1%2Ffiles"),
        ("a?b#c d", "models/a%3Fb%23c%20d"),
    ),
)
def test_a_model_keeps_its_collection_and_leads_nowhere_else(model: str, expected: str) -> None:
    assert Gemini().request_url(GOOGLE, model, stream=False) == f"{GOOGLE}/v1beta/{expected}:generateContent"


def test_each_method_has_its_name() -> None:
    models = f"{GOOGLE}/v1beta/models/m"
    assert Gemini().request_url(GOOGLE, "m", stream=True) == f"{models}:streamGenerateContent?alt=sse"
    assert GeminiEmbeddings().request_url(GOOGLE, "m", stream=False) == f"{models}:batchEmbedContents"
    assert GeminiCountTokens().request_url(GOOGLE, "m", stream=False) == f"{models}:countTokens"
