"""Whatever could make a stack tell a secret, done to one."""

from collections.abc import Coroutine, Iterator
from itertools import product
from typing import Any

import httpx2 as httpx

from pantheon.catalog.v1.catalog_service_pb2 import GetUserSettingsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.router.v1.completion_pb2 import CompletionSpec, RoutingPreferences
from pantheon.router.v1.embedding_pb2 import EmbeddingSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import CompleteRequest, EmbedRequest, StreamCompleteRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from pantheon.usage.v1.usage_service_pb2 import GetUsageSummaryRequest
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceStub
from services.runtime.client import connect
from tests.e2e.canaries.evidence import all_of
from tests.e2e.canaries.planting import FAILING, REFUSED, TALKATIVE, UNANSWERED, Scene, document
from tests.fixtures.parrot import OTHER_WAYS, STATUSES

_WAYS = (*map(str, STATUSES), *OTHER_WAYS)
_SOUND = (
    ("openai/gpt-4", "openai"),
    ("anthropic/claude-3-haiku", "anthropic"),
    ("google/gemini-pro", "gemini"),
    ("meta-llama/llama-3-70b-instruct", "openrouter"),
)
_FAULTS = ("status-401", "status-429", "status-500", "reset", "malformed", "error-after-2", "reset-after-2", "truncate")
_QUESTION = "Hello there, how are you today?"
_TURN = [{"role": "user", "content": _QUESTION}]
_SURFACES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/chat/completions", {"messages": _TURN}),
    ("/responses", {"input": _QUESTION}),
    ("/messages", {"messages": _TURN, "max_tokens": 50}),
)
_SECRET_MEMBERS = (
    ("/api/provider-keys", "secret"),
    ("/api/custom-models", "api_key"),
    ("/api/custom-models/test", "api_key"),
    ("/api/auth/login", "password"),
    ("/api/auth/refresh", "refresh_token"),
)
_OTHER_MEMBERS = (
    ("/api/provider-keys", "label"),
    ("/api/custom-models", "parameters"),
    ("/api/custom-models/test", "custom_model"),
    ("/api/auth/login", "email"),
    ("/api/user/settings", "preferred_model"),
    ("/api/user/settings", "use_cases"),
)


async def complete_everywhere(scene: Scene) -> None:
    """Completions on all surfaces: some succeed, and some fail in every way there is."""
    targets = [*_SOUND, *((f"openai/gpt-4:sandbox-{fault}", "openai") for fault in _FAULTS)]
    targets += [(f"{TALKATIVE[0]}/parrot-{way}", TALKATIVE[0]) for way in _WAYS]
    targets += [(f"{provider}/parrot-{way}", provider) for provider, way in product(TALKATIVE[1:], ("400", "stream"))]
    targets += [(f"{UNANSWERED}/model", UNANSWERED), ("openai/gpt-4", "nobody")]
    targets += [(f"{TALKATIVE[0]}/{scene.known.fresh('the name of a model', 'model-')}", TALKATIVE[0])]
    async with scene.member.router() as http:
        await all_of(*(call for target in targets for call in _over_http(scene, http, *target)))
    channel = connect(scene.deployment.ports.address("grpc"))
    try:
        await all_of(*(call for target in targets for call in _over_grpc(scene, RouterServiceStub(channel), *target)))
    finally:
        await channel.close()


async def complete_with_custom_models(scene: Scene) -> None:
    """The same with models of the owner's own, and tests of them."""
    async with scene.owner.router() as http, scene.owner.edge() as edge:
        calls = [call for model in scene.custom for call in _over_http(scene, http, model, "")]
        calls += [
            scene.evidence.http(edge, "POST", f"/api/custom-models/{model}/test", json={"prompt": _QUESTION})
            for model in scene.custom
        ]
        for way in _WAYS:
            key = scene.canaries.fresh(f"the key of a model that is tested, {way}")
            tested = {"custom_model": document(scene, "custom/tested", way), "api_key": key}
            calls.append(scene.evidence.http(edge, "POST", "/api/custom-models/test", json=tested))
        await all_of(*calls)


async def keep_custom_models(scene: Scene) -> None:
    """Makes custom models with keys, changes keys, takes models away again."""
    evidence, canaries = scene.evidence, scene.canaries
    async with scene.owner.edge() as edge:
        for provider, way in product(("openai", "anthropic", "gemini"), ("400", "401", "404", "429", "500", "stream")):
            model_id = f"custom/{provider}-{way}"
            made = {**document(scene, model_id, way, provider), "api_key": canaries.fresh(f"the key of {model_id}")}
            assert (await evidence.http(edge, "POST", "/api/custom-models", json=made)).status_code == 201
            scene.custom.append(model_id)
        last = scene.custom[-1]
        again = {**document(scene, last, "400"), "api_key": canaries.fresh("the key of a model that exists already")}
        await evidence.http(edge, "POST", "/api/custom-models", json=again)
        new = {"api_key": canaries.fresh("a key in place of another")}
        await evidence.http(edge, "PATCH", f"/api/custom-models/{last}", json=new)
        for url in ("https://169.254.169.254/chat/completions", f"{scene.parrot.origin}/v1"):
            key = canaries.fresh(f"the key of a model at {url}")
            refused = {**document(scene, "custom/refused", "400"), "api_endpoint": url, "api_key": key}
            await evidence.http(edge, "POST", "/api/custom-models", json=refused)
            await evidence.http(edge, "POST", "/api/custom-models/test", json={"custom_model": refused})
        gone = {**document(scene, "custom/gone", "400"), "api_key": canaries.fresh("the key of a model that is gone")}
        await evidence.http(edge, "POST", "/api/custom-models", json=gone)
        await evidence.http(edge, "DELETE", "/api/custom-models/custom/gone")
        for path in ("/api/custom-models", "/api/user/settings", f"/api/custom-models/{last}"):
            await evidence.http(edge, "GET", path)


async def set_provider_keys(scene: Scene) -> None:
    """Keys that are set, refused, never answered, given twice, checked again and removed."""
    evidence, canaries = scene.evidence, scene.canaries
    async with scene.owner.edge() as owner, scene.administrator.edge() as platform:
        for provider, wanted in (("groq", 201), (REFUSED, 502), (FAILING, 201), (UNANSWERED, 201)):
            key = {"provider": provider, "secret": canaries.fresh(f"the organisation's key for {provider}")}
            made = await evidence.http(owner, "POST", "/api/provider-keys", json=key)
            assert made.status_code == wanted, made.text
            await evidence.http(owner, "POST", "/api/provider-keys", json=key)
            if wanted == 201:
                await evidence.http(owner, "POST", f"/api/provider-keys/{made.json()['id']}/check")
        everybody_s = {"provider": "mistral", "secret": canaries.fresh("everybody's key"), "platform_wide": True}
        assert (await evidence.http(platform, "POST", "/api/provider-keys", json=everybody_s)).status_code == 201
        await evidence.http(owner, "POST", "/api/provider-keys", json={**everybody_s, "label": "not theirs to set"})
        removed = {"provider": "openai", "secret": canaries.fresh("a key that is removed again")}
        made = await evidence.http(owner, "POST", "/api/provider-keys", json=removed)
        await evidence.http(owner, "DELETE", f"/api/provider-keys/{made.json()['id']}")
        for edge in (owner, platform):
            await evidence.http(edge, "GET", "/api/provider-keys")
            await evidence.http(edge, "GET", "/api/providers?page_size=1000")


async def log_in(scene: Scene) -> None:
    """With the right password and wrong ones; with refresh tokens that are new, used and none. Plants the tokens."""
    evidence, canaries, member = scene.evidence, scene.canaries, scene.member
    async with member.edge() as edge:
        wrong = {"email": member.email, "password": canaries.fresh("a password of somewhere else", "pass-")}
        await evidence.http(edge, "POST", "/api/auth/login", json=wrong)
        right = {"email": member.email, "password": member.password}
        tokens = (await edge.post("/api/auth/login", json=right)).json()
        canaries.plant("an access token", tokens["access_token"])
        canaries.plant("the signature of an access token", tokens["access_token"].rpartition(".")[2])
        used = canaries.plant("a refresh token that is used up", tokens["refresh_token"])
        renewed = (await edge.post("/api/auth/refresh", json={"refresh_token": used})).json()
        canaries.plant("a refresh token", renewed["refresh_token"])
        await evidence.http(edge, "POST", "/api/auth/refresh", json={"refresh_token": used})
        none = canaries.fresh("what is no refresh token")
        await evidence.http(edge, "POST", "/api/auth/refresh", json={"refresh_token": none})
        edge.headers["authorization"] = f"Bearer {tokens['access_token']}"
        await evidence.http(edge, "GET", "/api/user/settings")
        await evidence.http(edge, "GET", "/api/user/usage")


async def send_wrong_credentials(scene: Scene) -> None:
    """Credentials that are none, in headers and addresses, at every door."""
    canaries, evidence, ports = scene.canaries, scene.evidence, scene.deployment.ports
    unknown = canaries.fresh("an unknown API key", "pan-")
    foreign = canaries.fresh("a key of somewhere else")
    jwt = canaries.plant("what looks like a token", f"eyJhbGciOiJFZDI1NTE5In0.{'e30' * 9}.{foreign[3:25]}")
    long = canaries.plant("a credential longer than any", "pan-" + "x7Yq" * 2_000)
    headers: list[dict[str, str]] = [{"authorization": f"Bearer {key}"} for key in (unknown, foreign, jwt, long)]
    headers += [{"authorization": key} for key in (unknown, f"Basic {foreign}", f"Token {unknown}", f"Bearer  {jwt}")]
    headers += [{name: foreign} for name in ("x-api-key", "x-goog-api-key", "api-key", "cookie", "x-pantheon-service")]
    paths = {
        "http": ("/v1/models", "/v1/chat/completions", "/v1/messages", "/v1/responses", f"/v1/models?key={unknown}"),
        "console": ("/api/user/settings", "/api/models", f"/api/models?api_key={foreign}", f"/?token={jwt}"),
    }
    for door, asked in paths.items():
        async with httpx.AsyncClient(base_url=f"http://{ports.address(door)}", trust_env=False) as client:
            calls = [
                evidence.http(client, method, path, headers=given)
                for given, path, method in product(headers, asked, ("GET", "POST"))
            ]
            await all_of(*calls)
    for door, stub, method, request in (
        ("grpc", RouterServiceStub, "Complete", CompleteRequest(spec=_spec("openai/gpt-4", ""))),
        ("catalog", CatalogServiceStub, "GetUserSettings", GetUserSettingsRequest()),
        ("usage", UsageServiceStub, "GetUsageSummary", GetUsageSummaryRequest()),
    ):
        channel = connect(ports.address(door))
        try:
            rpc = getattr(stub(channel), method)
            await all_of(*(evidence.rpc(rpc, request, f"Bearer {key}") for key in (unknown, foreign, jwt, long)))
        finally:
            await channel.close()


async def send_malformed_bodies(scene: Scene) -> None:
    """Bodies that hold a key in a way that is not allowed, or break off behind one.

    Who gives a key as something else, such as a label or a member's name, is told so with what they gave. That answer
    is theirs and not looked through; what is written meanwhile is.
    """
    key = scene.canaries.fresh("a key in a malformed body", behind="-behind")
    elsewhere = scene.canaries.fresh("a key that is given as something else")
    shapes = ('{"%s": "KEY"', '{"%s": ["KEY"]}', '{"%s": {"KEY": 1}}', '{"%s": "KEY\n"}', '{"%s": "KEY KEY"}', "%sKEY")
    async with scene.owner.edge() as edge, scene.member.router() as http:
        for (path, member), shape in product(_SECRET_MEMBERS, shapes):
            content = (shape % member).replace("KEY", key)
            await scene.evidence.http(edge, "POST", path, content=content)
        for (path, member), shape in product(_OTHER_MEMBERS, shapes):
            await edge.post(path, content=(shape % member).replace("KEY", elsewhere))
        for inside in (f"https://user:{key}@models.example/v1/chat/completions", f"https://models.example/?key={key}"):
            made = {**document(scene, "custom/odd", "400"), "api_endpoint": inside}
            await scene.evidence.http(edge, "POST", "/api/custom-models", json=made)
        for path, _ in _SURFACES:
            await scene.evidence.http(http, "POST", path, content=f'{{"model": "openai/gpt-4", "api_key": "{key}"')


async def compare_lists_of_models(scene: Scene) -> None:
    """Asks all providers for their models, which most answer with what they were sent."""
    providers = ["openai", "openrouter", *TALKATIVE, UNANSWERED]
    async with scene.administrator.edge() as edge:
        for provider in providers:
            asked = {"providers": [provider], "dry_run": True}
            await scene.evidence.http(edge, "POST", "/api/models/sync", json=asked)
        await scene.evidence.http(edge, "GET", "/api/models/syncs")


def _over_http(scene: Scene, http: httpx.AsyncClient, model: str, provider: str) -> Iterator[Coroutine[Any, Any, Any]]:
    headers = {"x-pantheon-providers": provider} if provider else {}
    for (path, body), stream in product(_SURFACES, (False, True)):
        asked = {"model": model, "stream": stream, **body}
        yield scene.evidence.http(http, "POST", path, json=asked, headers=headers)
    counted = {"model": model, "messages": _TURN}
    yield scene.evidence.http(http, "POST", "/messages/count_tokens", json=counted, headers=headers)
    embedded = {"model": model, "input": _QUESTION}
    yield scene.evidence.http(http, "POST", "/embeddings", json=embedded, headers=headers)


def _over_grpc(scene: Scene, router: Any, model: str, provider: str) -> Iterator[Coroutine[Any, Any, Any]]:
    who, spec = f"Bearer {scene.member.api_key}", _spec(model, provider)
    yield scene.evidence.rpc(router.Complete, CompleteRequest(spec=spec), who)
    yield scene.evidence.rpc(router.StreamComplete, StreamCompleteRequest(spec=spec), who)
    embedded = EmbeddingSpec(model=model, texts=[_QUESTION], routing=spec.routing)
    yield scene.evidence.rpc(router.Embed, EmbedRequest(spec=embedded), who)


def _spec(model: str, provider: str) -> CompletionSpec:
    question = Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part(text=TextPart(text=_QUESTION))])
    routing = RoutingPreferences(providers=[provider] if provider else [])
    return CompletionSpec(model=model, messages=[question], routing=routing)
