"""The models that the suites ask, one or more of each provider, and what they can do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A model as clients name it.

    Attributes:
        id: its name.
        provider: who serves it.
        served: what the provider calls what has answered.
        several: it gives more than one choice.
    """

    id: str
    provider: str
    served: str
    several: bool = True

    def __str__(self) -> str:
        """As the tests are told apart by it."""
        return self.id


OPENAI = Asked("openai/gpt-4o", "openai", "gpt-4o-2024-08-06")
OPENAI_THINKING = Asked("openai/gpt-5", "openai", "gpt-5-2025-08-07")
OPENROUTER = Asked("mistralai/mistral-nemo", "openrouter", "mistralai/mistral-nemo")
OPENROUTER_THINKING = Asked("x-ai/grok-4.1-fast", "openrouter", "x-ai/grok-4.1-fast")
ANTHROPIC = Asked("anthropic/claude-opus-4.5", "anthropic", "claude-opus-4-5-20251101", several=False)
GEMINI = Asked("google/gemini-2.5-flash", "gemini", "gemini-2.5-flash")
GEMINI_3 = Asked("google/gemini-3-flash-preview", "gemini", "gemini-3-flash-preview")
CUSTOM = Asked("other/parrot-1", "other", "parrot-1")

EVERY = (OPENAI, OPENROUTER, ANTHROPIC, GEMINI, GEMINI_3, CUSTOM)
"""One of each provider, and of Gemini both generations, which are talked to differently."""
THINKING = (OPENAI_THINKING, OPENROUTER_THINKING, ANTHROPIC, GEMINI, GEMINI_3)
"""Those that think, or can be made to."""
