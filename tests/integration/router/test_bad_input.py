"""Bad input on both surfaces: the right status and reason, nothing dispatched, nothing in the journal."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1.completion_pb2 import CompletionSpec, RoutingPreferences
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part
from pantheon.router.v1.router_service_pb2 import CompleteRequest
from services.router.api.http import MAX_BODY_BYTES
from services.sandbox.server import SandboxServer
from tests.integration.router.failing import Failed, failed, fails_over_grpc, fails_over_http
from tests.integration.router.running import MESSAGES, RunningRouter, model, provider, running_router, spec

COMPLETIONS = "/v1/chat/completions"
MEBIBYTE = b"x" * 1024 * 1024


@pytest.fixture(autouse=True)
async def untouched(router: RunningRouter, sandbox: SandboxServer) -> AsyncIterator[None]:
    """Whatever a test here sends, it reaches neither a provider nor the journal."""
    yield
    assert len(sandbox.recorder) == 0
    assert await router.events() == []


@pytest.fixture(scope="module")
async def router(tmp_path_factory: pytest.TempPathFactory, one_sandbox: SandboxServer) -> AsyncIterator[RunningRouter]:
    """One for all, as none of these tests leaves anything behind. No aggregator, which would take any name; DeepSeek is
    known and not configured."""
    changes = [
        provider("openai", one_sandbox.openai_url),
        provider("deepseek", "http://127.0.0.1:9/v1", configured=False),
        model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",)),
        model("deepseek/chat", ("deepseek", "chat")),
    ]
    async with running_router(tmp_path_factory.mktemp("router"), changes, {"openai": ("sandbox",)}) as running:
        yield running


async def posted(router: RunningRouter, content: bytes, **headers: str) -> Failed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await router.http.post(COMPLETIONS, content=content, headers=named)
    detail = answer.json()["error"]
    assert detail["code"] == answer.headers["x-pantheon-reason"]
    return Failed(answer.status_code, detail["code"], detail["message"], detail["metadata"])


@pytest.mark.parametrize(
    ("authorization", "reason"),
    (
        (None, "CREDENTIALS_MISSING"),
        ("", "CREDENTIALS_MISSING"),
        ("Basic cGFuOnRlc3Q=", "CREDENTIALS_MISSING"),
        ("Bearer", "CREDENTIALS_MISSING"),
        ("Bearer pan-wrong", "CREDENTIALS_INVALID"),
    ),
)
async def test_without_the_right_key_nobody_gets_in(
    router: RunningRouter, authorization: str | None, reason: str
) -> None:
    for path, method in ((COMPLETIONS, "POST"), ("/v1/models", "GET"), ("/v1/models/gpt-4", "GET")):
        request = router.http.build_request(method, path, json={"model": "gpt-4", "messages": MESSAGES})
        del request.headers["authorization"]
        if authorization is not None:
            request.headers["authorization"] = authorization
        answer = await router.http.send(request)
        assert (answer.status_code, answer.headers["x-pantheon-reason"]) == (401, reason)
        assert answer.json()["error"]["type"] == "authentication_error"

    metadata = () if authorization is None else (("authorization", authorization),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.Complete(CompleteRequest(spec=spec()), metadata=metadata, timeout=5)
    assert (failed(caught.value).status, failed(caught.value).reason) == ("UNAUTHENTICATED", reason)


@pytest.mark.parametrize(
    "content", (b"", b"{", b"not json", b"[]", b"null", b'"text"', b'{"model":"gpt-4",}', b"[" * 100_000, b"\xff\xfe")
)
async def test_what_is_no_json_object_is_malformed(router: RunningRouter, content: bytes) -> None:
    found = await posted(router, content)
    assert (found.status, found.reason) == (400, "MALFORMED_BODY")
    assert found.metadata["detail"]


async def test_extra_json_that_is_no_object_is_refused(router: RunningRouter) -> None:
    found = await fails_over_grpc(router, spec(extra_body_json="{"), stream=False)
    assert (found.status, found.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert found.metadata["field"] == "extra_body_json"


@pytest.mark.parametrize("stream", (False, True))
@pytest.mark.parametrize(
    ("name", "reason", "http_status", "code"),
    (
        ("gpt-44", "MODEL_NOT_FOUND", 404, "NOT_FOUND"),
        ("acme/new", "MODEL_NOT_FOUND", 404, "NOT_FOUND"),
        ("openai/modèle", "MODEL_NOT_FOUND", 404, "NOT_FOUND"),
        ("openai/a\r\nset-cookie: b", "MODEL_NOT_FOUND", 404, "NOT_FOUND"),
        ("openai/" + "x" * 100_000, "MODEL_NOT_FOUND", 404, "NOT_FOUND"),
        ("deepseek/chat", "NO_ENDPOINT", 400, "FAILED_PRECONDITION"),
        ("deepseek/new", "NO_ENDPOINT", 400, "FAILED_PRECONDITION"),
        ("auto", "INVALID_FIELD", 400, "INVALID_ARGUMENT"),
        ("", "INVALID_FIELD", 400, "INVALID_ARGUMENT"),
    ),
)
async def test_a_model_that_can_t_be_served_is_named(
    router: RunningRouter, stream: bool, name: str, reason: str, http_status: int, code: str
) -> None:
    over_http = await fails_over_http(router, {"stream": stream}, {}, name)
    over_grpc = await fails_over_grpc(router, spec(name), stream=stream)
    assert (over_http.status, over_http.reason) == (http_status, reason)
    assert (over_grpc.status, over_grpc.reason) == (code, reason)
    assert over_http.metadata == over_grpc.metadata or not name
    assert len(over_http.message) < 500


async def test_a_provider_that_is_not_there_is_no_preference(router: RunningRouter) -> None:
    over_http = await fails_over_http(router, {}, {"x-pantheon-providers": "nobody"})
    over_grpc = await fails_over_grpc(router, spec(routing=RoutingPreferences(providers=["nobody"])), stream=False)
    assert over_http.reason == over_grpc.reason == "NO_ENDPOINT"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    (
        ("temperature", 3.0, "0 to 2"),
        ("temperature", -0.5, "0 to 2"),
        ("top_p", 1.5, "0 to 1"),
        ("max_tokens", 0, "1 to 4096, a whole number"),
        ("max_tokens", 5000, "1 to 4096, a whole number"),
        ("frequency_penalty", 2.5, "-2 to 2"),
        ("presence_penalty", -2.5, "-2 to 2"),
    ),
)
async def test_a_parameter_out_of_range_is_named_with_its_value_and_range(
    router: RunningRouter, name: str, value: float, allowed: str
) -> None:
    over_http = await fails_over_http(router, {name: value}, {})
    over_grpc = await fails_over_grpc(router, spec(parameters=ModelParameters(**{name: value})), stream=False)  # type: ignore[arg-type]
    assert (over_http.status, over_grpc.status) == (400, "INVALID_ARGUMENT")
    assert over_http.reason == over_grpc.reason == "INVALID_FIELD"
    assert over_http.metadata == over_grpc.metadata == {"field": name, "value": str(value), "allowed": allowed}


async def test_nan_is_no_temperature(router: RunningRouter) -> None:
    over_grpc = await fails_over_grpc(router, spec(parameters=ModelParameters(temperature=math.nan)), stream=True)
    assert (over_grpc.reason, over_grpc.metadata["value"]) == ("INVALID_FIELD", "nan")
    content = json.dumps({"model": "gpt-4", "messages": MESSAGES, "temperature": math.nan}).encode()
    assert (await posted(router, content)).reason == "MALFORMED_BODY"


@pytest.mark.parametrize("value", ("warm", "1", True, [1], {"a": 1}))
async def test_what_is_no_number_is_no_temperature(router: RunningRouter, value: Any) -> None:
    found = await fails_over_http(router, {"temperature": value}, {})
    assert (found.reason, found.metadata["value"]) == ("INVALID_FIELD", str(value))


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": {"role": "user"}}, "messages"),
        ({"model": 5}, "model"),
        ({"model": None}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": 5}, "stream_options"),
    ),
)
async def test_a_member_of_the_wrong_type_is_named(router: RunningRouter, members: dict[str, Any], field: str) -> None:
    found = await fails_over_http(router, members, {})
    assert (found.status, found.reason, found.metadata["field"]) == (400, "INVALID_FIELD", field)


@pytest.mark.parametrize(
    ("wanted", "field"),
    (
        (CompletionSpec(model="gpt-4"), "messages"),
        (CompletionSpec(model="gpt-4", messages=[Message()]), "messages.role"),
        (CompletionSpec(model="gpt-4", messages=[Message(role=MessageRole.MESSAGE_ROLE_USER)]), "messages.parts"),
        (
            CompletionSpec(model="gpt-4", messages=[Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part()])]),
            "messages.parts",
        ),
        (spec(choices=17), "choices"),
        (spec(tags={f"tag-{number}": "" for number in range(17)}), "tags"),
        (spec(tags={"team": "a\x00b"}), "tags.team"),
        (spec(extra_body_json='{"stream_options":5}'), "extra_body_json.stream_options"),
    ),
)
async def test_a_field_that_is_missing_or_wrong_is_named(
    router: RunningRouter, wanted: CompletionSpec, field: str
) -> None:
    for stream in (False, True):
        found = await fails_over_grpc(router, wanted, stream=stream)
        assert (found.status, found.reason, found.metadata["field"]) == ("INVALID_ARGUMENT", "INVALID_FIELD", field)


@pytest.mark.parametrize(
    ("header", "value"),
    (
        ("x-pantheon-tags", "team"),
        ("x-pantheon-tags", "&".join(f"t{number}=1" for number in range(17))),
        ("x-pantheon-tags", f"team={257 * 'x'}"),
        ("x-pantheon-fallback", "perhaps"),
        ("x-pantheon-apply-defaults", "1"),
    ),
)
async def test_a_wish_that_can_t_be_understood_is_refused(router: RunningRouter, header: str, value: str) -> None:
    found = await fails_over_http(router, {}, {header: value})
    assert found.reason == "INVALID_FIELD"


async def test_a_body_of_50_mb_is_too_large_whether_it_says_so_or_not(router: RunningRouter) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield MEBIBYTE

    for content in (MEBIBYTE * 50, pieces()):
        answer = await router.http.post(COMPLETIONS, content=content)
        assert (answer.status_code, answer.headers["x-pantheon-reason"]) == (413, "BODY_TOO_LARGE")
        assert answer.json()["error"]["metadata"]["allowed"] == f"at most {MAX_BODY_BYTES} bytes"
    # The connections are good for more.
    assert (await router.http.get("/v1/models")).status_code == 200


async def test_a_spec_of_50_mb_is_too_large(router: RunningRouter) -> None:
    for stream in (False, True):
        found = await fails_over_grpc(router, spec(text="x" * 50 * 1024 * 1024), stream=stream)
        assert (found.status, found.reason) == ("INVALID_ARGUMENT", "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("method", "path"),
    (
        ("GET", "/v2/models"),
        ("GET", COMPLETIONS),
        ("PUT", COMPLETIONS),
        ("POST", "/v1/models"),
        ("POST", "/v1/completions"),
        ("GET", "/"),
        ("POST", f"{COMPLETIONS}/"),
    ),
)
async def test_where_nothing_is_says_so(router: RunningRouter, method: str, path: str) -> None:
    answer = await router.http.request(method, path)
    assert (answer.status_code, answer.headers["x-pantheon-reason"]) == (404, "NO_SUCH_METHOD")
    assert answer.json()["error"]["metadata"] == {"path": f"{method} {path}"}
