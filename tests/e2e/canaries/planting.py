"""A stack full of canaries, with providers that talk."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.local.ports import free_ports
from services.local.stack import Secrets, Stack
from services.sandbox.server import SandboxServer
from services.sandbox.settings import SandboxSettings
from tests.e2e.canaries.evidence import Evidence
from tests.fixtures.canaries import Canaries
from tests.fixtures.deployments import Deployment, deployment_of, throw_away_plan
from tests.fixtures.parrot import Parrot, parrot
from tests.fixtures.people import Person, new_administrator, new_member

REFUSED, UNANSWERED, FAILING = "fireworks", "deepseek", "together"
"""Providers that refuse every key, can't be reached, and fail when asked about one."""
TALKATIVE = ("groq", "xai", "mistral")
"""Providers that repeat what they are sent: with the environment's key, with one they refuse, with one set for all."""


@dataclass
class Scene:
    """Where it all happens.

    `custom` are the model ids of the owner's custom models; `known` is no secret, but the name of a model that is asked
    for: found wherever it has to be, it shows that what is not there would have been found.
    """

    stack: Stack
    deployment: Deployment
    canaries: Canaries
    parrot: Parrot
    sandbox: SandboxServer
    owner: Person
    member: Person
    evidence: Evidence = field(default_factory=Evidence)
    custom: list[str] = field(default_factory=list)
    known: Canaries = field(default_factory=Canaries)

    @property
    def administrator(self) -> Person:
        """The stack's own."""
        told = self.deployment.credentials
        return Person(self.deployment, "", "", told["email"], told["password"], told["api_key"])


@asynccontextmanager
async def planted(state: Path) -> AsyncIterator[Scene]:
    """A running stack with providers it takes for real, canaries in its environment, and people with more of them."""
    canaries = Canaries()
    slow = SandboxSettings(sandbox_listen="127.0.0.1:0", sandbox_tokens_per_second=2_000)
    async with AsyncExitStack() as running:
        talkative = await running.enter_async_context(parrot())
        sandbox = await running.enter_async_context(SandboxServer(slow))
        plan = throw_away_plan(state)
        stack = Stack(
            replace(
                plan,
                sandbox=False,
                environment={
                    **plan.environment,
                    "PANTHEON_LOG_LEVEL": "debug",
                    "PANTHEON_EGRESS_ALLOW": "127.0.0.0/8",
                },
                provider_environment=_providers(canaries, talkative, sandbox),
                secrets=_secrets(canaries),
            )
        )
        running.push_async_callback(stack.kill)
        await stack.start()
        deployment = deployment_of(stack)
        _plant_own_secrets(canaries, stack, deployment)
        owner, member = await new_administrator(deployment), await new_member(deployment)
        for name, person in (("the owner", owner), ("the member", member)):
            canaries.plant(f"{name}'s password", person.password)
            canaries.plant(f"{name}'s API key", person.api_key)
        yield Scene(stack, deployment, canaries, talkative, sandbox, owner, member)


def _secrets(canaries: Canaries) -> Secrets:
    master = base64.b64encode(bytes(range(200, 232))).decode()
    return Secrets(canaries.plant("the master key", master), canaries.fresh("the pepper", "pepper-"))


def _providers(canaries: Canaries, talkative: Parrot, sandbox: SandboxServer) -> dict[str, str]:
    (closed,) = free_ports(1)
    one, other = canaries.fresh("OpenAI's first key"), canaries.fresh("OpenAI's second key")
    return {
        "OPENAI_API_KEY": f"{one},{other}",
        "OPENAI_BASE_URL": sandbox.openai_url,
        "ANTHROPIC_API_KEY": canaries.fresh("Anthropic's key", "sk-ant-"),
        "ANTHROPIC_BASE_URL": sandbox.anthropic_url,
        "GEMINI_API_KEY": canaries.fresh("Gemini's key", "AIzaSy-"),
        "GEMINI_BASE_URL": sandbox.gemini_url,
        "OPENROUTER_API_KEY": canaries.fresh("OpenRouter's key", "sk-or-v1-"),
        "OPENROUTER_BASE_URL": sandbox.openrouter_url,
        "GROQ_API_KEY": canaries.fresh("Groq's key", "gsk_"),
        "GROQ_BASE_URL": talkative.url(),
        "XAI_API_KEY": canaries.fresh("xAI's key, which it refuses", "xai-"),
        "XAI_BASE_URL": talkative.url(401),
        "MISTRAL_BASE_URL": talkative.url(),
        "FIREWORKS_BASE_URL": talkative.url(401),
        "TOGETHER_BASE_URL": talkative.url(500),
        "DEEPSEEK_API_KEY": canaries.fresh("DeepSeek's key, which nobody hears of"),
        "DEEPSEEK_BASE_URL": f"http://127.0.0.1:{closed}",
    }


def _plant_own_secrets(canaries: Canaries, stack: Stack, deployment: Deployment) -> None:
    """Those that the stack makes for itself."""
    canaries.plant("the administrator's password", deployment.credentials["password"])
    canaries.plant("the administrator's API key", deployment.api_key)
    canaries.plant("Postgres' password", urlsplit(stack.database_url).password or "")
    canaries.plant("NATS' token", urlsplit(stack.nats_url).username or "")
    for path in sorted(stack.plan.service_keys.glob("*.jwk")):
        canaries.plant(f"the private key of {path.stem}", json.loads(path.read_text())["d"])


def document(scene: Scene, model_id: str, way: str, provider: str = "openai") -> dict[str, Any]:
    """A custom model at the parrot's, which answers in this way."""
    endings = {
        "openai": "/chat/completions",
        "anthropic": "/v1/messages",
        "gemini": f"/v1beta/models/parrot-{way}:generateContent",
    }
    return {
        "name": "My Custom Model",
        "model_id": model_id,
        "provider": provider,
        "api_endpoint": f"{scene.parrot.url()}{endings[provider]}",
        "provider_model_id": f"parrot-{way}",
    }
