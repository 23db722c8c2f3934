"""What a simulated Gemini model can do, by its name, and the catalogue."""

import re
from collections.abc import Mapping

CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "gemini-2.0-flash": ("generateContent", "countTokens"),
    "gemini-2.5-flash": ("generateContent", "countTokens"),
    "gemini-2.5-flash-lite": ("generateContent", "countTokens"),
    "gemini-2.5-pro": ("generateContent", "countTokens"),
    "gemini-3-flash-preview": ("generateContent", "countTokens"),
    "gemini-3-pro-preview": ("generateContent", "countTokens"),
    "gemini-embedding-001": ("embedContent", "countTokens"),
}
"""Models that are listed, with their methods. All others exist too, and answer under their own name."""

_THIRD = re.compile(r"gemini-(?:[3-9]|\d{2,}|(?:flash|pro)-latest)")
_THINKS = re.compile(r"gemini-(?:2\.5|[3-9]|\d{2,}|(?:flash|pro)-latest)(?!.*(?:lite|image|tts))")


def is_third(model: str) -> bool:
    """Whether it is of the third generation or later: calls have ids, and their signatures have to come back."""
    return _THIRD.match(model) is not None


def thinks(model: str) -> bool:
    """Whether it thinks where nothing else is said."""
    return _THINKS.match(model) is not None


def always_thinks(model: str) -> bool:
    """Whether thinking cannot be switched off."""
    return thinks(model) and "pro" in model


def described(model: str) -> dict[str, object]:
    """The model as the catalogue tells of it."""
    methods = CATALOGUE.get(model, ("generateContent", "countTokens"))
    shape: dict[str, object] = {
        "name": f"models/{model}",
        "version": "001",
        "displayName": " ".join(part.capitalize() for part in model.split("-")),
        "description": "A simulated model.",
        "inputTokenLimit": 2_048 if "embedContent" in methods else 1_048_576,
        "outputTokenLimit": 1 if "embedContent" in methods else 65_536,
        "supportedGenerationMethods": list(methods),
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    }
    return {**shape, "thinking": True} if thinks(model) else shape
