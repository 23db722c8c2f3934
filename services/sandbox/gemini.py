"""Simulated Gemini: contents, the counting of their tokens, embeddings, and the model catalogue.

Shapes, headers and wording follow recorded answers of generativelanguage.googleapis.com and Google's API reference.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.gemini_contents import embeddings, models, rules
from services.sandbox.gemini_contents.body import CountBody, GenerateBody, decode
from services.sandbox.gemini_contents.dialect import Contents, Form, existing
from services.sandbox.gemini_contents.interpretation import interpret
from services.sandbox.gemini_contents.rendering import indented
from services.sandbox.provider import Call, Doors, Reply

_VERSIONS = ("/v1beta", "/v1")
"""Served alike."""
_USUALLY_LISTED, _MOST_LISTED = 50, 1_000


class Gemini:
    """generativelanguage.googleapis.com, as far as it generates contents and embeds them."""

    name = "gemini"
    prefix = "/gemini"

    def __init__(self) -> None:
        self._whole = Contents()

    def routes(self, doors: Doors) -> Sequence[BaseRoute]:
        """The methods of a model, the catalogue, and one model of it."""
        streams = _ByAlt(events=doors.completions(Contents(Form.EVENTS)), array=doors.completions(Contents(Form.ARRAY)))
        methods: dict[str, ASGIApp] = {
            "generateContent": doors.completions(self._whole),
            "streamGenerateContent": streams,
            "countTokens": doors.operation(self._whole, _count),
            "embedContent": doors.operation(self._whole, _embed),
            "batchEmbedContents": doors.operation(self._whole, _embed_batch),
        }
        routes: list[BaseRoute] = []
        for version in _VERSIONS:
            models_path = f"{version}/models"
            routes += (
                *(Route(f"{models_path}/{{model}}:{method}", app, methods=["POST"]) for method, app in methods.items()),
                Route(models_path, doors.reading(self._whole, _list), methods=["GET"]),
                Route(f"{models_path}/{{model}}", doors.reading(self._whole, _get), methods=["GET"]),
            )
        return routes


class _ByAlt:
    """Streams are events with `alt=sse`, and a JSON array without."""

    def __init__(self, *, events: ASGIApp, array: ASGIApp) -> None:
        self._events = events
        self._array = array

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        chosen = self._events if asked.get("alt") == ["sse"] else self._array
        await chosen(scope, receive, send)


def _list(call: Call) -> Reply:
    """A page of the catalogue; its token is the number of models before the next one."""
    size, token = call.query.get("pageSize", ""), call.query.get("pageToken", "")
    first = int(token) if token.isdecimal() else 0
    most = min(int(size) or _USUALLY_LISTED, _MOST_LISTED) if size.isdecimal() else _USUALLY_LISTED
    names = list(models.CATALOGUE)
    page: dict[str, object] = {"models": [models.described(name) for name in names[first : first + most]]}
    if first + most < len(names):
        page["nextPageToken"] = str(first + most)
    return Reply(indented(page), empty=indented({}))


def _get(call: Call) -> Reply:
    """A model of the catalogue."""
    return Reply(indented(models.described(existing(call.path["model"], "getModel"))))


def _count(call: Call) -> Reply:
    """The tokens of a prompt."""
    model = existing(call.path["model"], "countTokens")
    read = decode(call.body, CountBody)
    whole = read.generate_content_request or GenerateBody(contents=read.contents)
    rules.check(whole, model)
    tokens = interpret(whole, model=model, stream=False).prompt_tokens
    counts = {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}
    return Reply(indented(counts))


def _embed(call: Call) -> Reply:
    return embeddings.embed(call.body, existing(call.path["model"], "embedContent"))


def _embed_batch(call: Call) -> Reply:
    return embeddings.embed_batch(call.body, existing(call.path["model"], "batchEmbedContents"))
