"""A small seed, to be varied."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from services.catalog.seed.rows import (
    AuthStyle,
    Modality,
    SeedEndpoint,
    SeedFlags,
    SeedModel,
    SeedPrice,
    SeedProvider,
    TieredPrice,
    WireFormat,
)
from services.catalog.seed_changes import Seed
from services.rating import SINCE_EVER

RECORDED = datetime(2026, 11, 1, tzinfo=UTC)

OPENAI = SeedProvider(
    name="openai",
    display_name="OpenAI",
    base_url="https://api.openai.com/v1",
    wire_format=WireFormat.OPENAI_CHAT,
    auth_style=AuthStyle.BEARER,
    models_url="/models",
    key_variable="OPENAI_API_KEY",
    base_url_variable="OPENAI_BASE_URL",
    flags=SeedFlags(renames_max_tokens=True, serves_responses=True),
)
OPENROUTER = SeedProvider(
    name="openrouter",
    display_name="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    wire_format=WireFormat.OPENAI_CHAT,
    auth_style=AuthStyle.BEARER,
    key_variable="OPENROUTER_API_KEY",
    base_url_variable="OPENROUTER_BASE_URL",
    flags=SeedFlags(reports_cost=True, aggregates_vendors=True),
)
ANTHROPIC = SeedProvider(
    name="anthropic",
    display_name="Anthropic",
    base_url="https://api.anthropic.com",
    wire_format=WireFormat.ANTHROPIC_MESSAGES,
    auth_style=AuthStyle.X_API_KEY,
    key_variable="ANTHROPIC_API_KEY",
    base_url_variable="ANTHROPIC_BASE_URL",
)
LOCAL = SeedProvider(
    name="local",
    display_name="Local server",
    base_url="http://127.0.0.1:11434/v1",
    wire_format=WireFormat.OPENAI_CHAT,
    auth_style=AuthStyle.NONE,
    base_url_variable="LOCAL_BASE_URL",
)


def figure(amount: Any) -> Decimal | TieredPrice:
    return amount if isinstance(amount, TieredPrice) else Decimal(amount)


def price(endpoint_id: str, prompt: Any, completion: Any, effective: datetime = SINCE_EVER, **other: Any) -> SeedPrice:
    figures = {"prompt_token": figure(prompt), "completion_token": figure(completion)}
    name = f"{endpoint_id} {effective} {figures}"
    return SeedPrice(
        id=str(uuid5(UUID(int=0), name)),
        effective=effective,
        recorded=other.get("recorded", RECORDED),
        source=other.get("source", "samples 1"),
        per_million=figures,  # type: ignore[arg-type]  # the names are units
    )


def endpoint(provider: str, name: str, *prices: tuple[Any, ...]) -> SeedEndpoint:
    return SeedEndpoint(provider, name, tuple(price(f"{provider}:{name}", *figures) for figures in prices))


GPT_4 = SeedModel(
    id="openai/gpt-4",
    display_name="GPT-4",
    aliases=("gpt-4", "gpt-4-0613"),
    context_window=8_192,
    max_output_tokens=4_096,
    input_modalities=(Modality.TEXT, Modality.IMAGE),
    output_modalities=(Modality.TEXT,),
    supports_tools=True,
    supports_reasoning=False,
    release_time=datetime(2023, 3, 14, tzinfo=UTC),
    endpoints=(
        endpoint("openai", "gpt-4", ("30", "60"), ("29.5", "59.25", datetime(2025, 5, 1, tzinfo=UTC))),
        endpoint("openrouter", "openai/gpt-4", ("30", "60")),
    ),
)
CLAUDE = SeedModel(
    id="anthropic/claude-3-opus",
    display_name="Claude 3 Opus",
    aliases=("claude-3-opus", "claude_3%opus"),
    endpoints=(
        endpoint("anthropic", "claude-3-opus-20240229", (TieredPrice(Decimal(15), {200_000: Decimal("22.5")}), "75")),
    ),
)
LLAMA = SeedModel(id="meta/llama-3", display_name="Llama 3", endpoints=(endpoint("local", "llama3"),))

SEED = Seed((OPENAI, OPENROUTER, ANTHROPIC, LOCAL), (CLAUDE, LLAMA, GPT_4))
