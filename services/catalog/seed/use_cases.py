"""What the platform advises, from the tables "Default Models" and "Use Cases" of the model configuration guide."""

from collections.abc import Mapping
from types import MappingProxyType

from pantheon.catalog.v1.use_case_pb2 import (
    USE_CASE_CODE,
    USE_CASE_FAST,
    USE_CASE_GENERAL,
    USE_CASE_LONG_CONTEXT,
    USE_CASE_VISION,
    UseCase,
)
from services.catalog.entities import Choice

DEFAULTS: Mapping[str, Choice] = MappingProxyType(
    {
        "general": Choice("openai/gpt-4-turbo", "openrouter"),
        "code": Choice("anthropic/claude-3-opus", "openrouter"),
        "fast": Choice("openai/gpt-3.5-turbo", "openrouter"),
        "vision": Choice("google/gemini-pro-vision", "gemini"),
        "long_context": Choice("anthropic/claude-3-opus", "openrouter"),
    }
)
"""By the names of use cases."""

REASONS: Mapping[UseCase.ValueType, str] = MappingProxyType(
    {
        USE_CASE_GENERAL: "Best balance of quality and speed",
        USE_CASE_CODE: "Superior code understanding",
        USE_CASE_FAST: "Low latency, cost-effective",
        USE_CASE_VISION: "Excellent image understanding",
        USE_CASE_LONG_CONTEXT: "200K token context window",
    }
)
"""In the guide's words."""

TEMPERATURES: Mapping[str, float] = MappingProxyType({"code": 0.2, "chat": 0.7, "creative": 1.2})
"""What suits a purpose."""
