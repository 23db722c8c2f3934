"""From the body of POST /v1/messages and /v1/messages/count_tokens to the neutral request."""

import msgspec
from starlette.types import Scope

from services.router.api.anthropic.own import without_ours
from services.router.api.anthropic.translation import to_chat
from services.router.api.bodies import body_of, check_messages, model_of, shown, stream_of
from services.router.api.http import header, providers_of, switch, tags_of
from services.router.chat import Body, ChatRequest, Format
from services.runtime.errors import InvalidField

_HEADERS = ("anthropic-version", "anthropic-beta")
_count = msgspec.json.Decoder(int)
_texts = msgspec.json.Decoder(list[str])


def parse_request(scope: Scope, content: bytes, kind: Format = Format.MESSAGES) -> ChatRequest:
    """The neutral request; its members stay as they came.

    Raises:
        MalformedBody: it is not a JSON object.
        InvalidField: model, messages, max_tokens or stream are missing or of the wrong type.
    """
    body = body_of(content)
    model = model_of(body)
    check_messages(body)
    counting = kind is Format.COUNT_TOKENS
    if not counting:
        _check_max_tokens(body)
    return ChatRequest(
        model=model,
        body=without_ours(body, content),
        size=len(content),
        format=kind,
        to_chat=lambda _: to_chat(body),
        headers={name: value for name in _HEADERS if (value := header(scope, name.encode()))},
        stream=not counting and stream_of(body),
        show_usage=True,
        tags=tags_of(scope),
        providers=providers_of(scope),
        fallback=switch(scope, b"x-pantheon-fallback", absent=True),
        apply_defaults=switch(scope, b"x-pantheon-apply-defaults", absent=False),
    )


def stops_of(request: ChatRequest) -> list[str]:
    """The stop sequences asked for; none where they can't be read."""
    try:
        return _texts.decode(request.body.get("stop_sequences", b"[]"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _check_max_tokens(body: Body) -> None:
    """Anthropic demands it; what is allowed depends on the model, and is checked with it."""
    given = body.get("max_tokens")
    try:
        _count.decode(given or b"null")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidField("max_tokens", shown(given), "a whole number; this format demands it") from None
