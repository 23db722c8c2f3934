"""A request of the Responses API, read as far as every provider needs it."""

from typing import Final

from starlette.types import Scope

from services.router.api.bodies import body_of, model_of, stream_of
from services.router.api.http import providers_of, switch, tags_of
from services.router.api.responses.content import NOTHING, is_given
from services.router.api.responses.own import without_ours
from services.router.api.responses.translation import to_chat
from services.router.chat import Body, ChatRequest, Format
from services.runtime.errors import InvalidField

_INSTEAD_OF_INPUT: Final = ("previous_response_id", "conversation", "prompt")
_KINDS: Final = {b"{": "an object", b"t": "true", b"f": "false", b"[": "an empty list"}


def parse_request(scope: Scope, content: bytes) -> ChatRequest:
    """The neutral request; its members stay as they came.

    Raises:
        MalformedBody: it is not a JSON object.
        InvalidField: model, input or stream are missing or of the wrong type.
    """
    body = body_of(content)
    model = model_of(body)
    _check_input(body)
    return ChatRequest(
        model=model,
        body=without_ours(body, content),
        size=len(content),
        format=Format.RESPONSES,
        to_chat=lambda _: to_chat(body),
        stream=stream_of(body),
        show_usage=True,
        tags=tags_of(scope),
        providers=providers_of(scope),
        fallback=switch(scope, b"x-pantheon-fallback", absent=True),
        apply_defaults=switch(scope, b"x-pantheon-apply-defaults", absent=False),
    )


def _check_input(body: Body) -> None:
    """Lets a text or a list with items pass. What it is instead is named by kind: it may be somebody's prompt."""
    given = body.get("input", NOTHING)
    if not is_given(given):
        if any(is_given(body.get(name)) for name in _INSTEAD_OF_INPUT):
            return
        raise InvalidField("input", "null", "a text, or a list of at least one item")
    text = bytes(given)
    if text.startswith(b'"') or (text.startswith(b"[") and text[1:-1].strip()):
        return
    raise InvalidField("input", _KINDS.get(text[:1], "a number"), "a text, or a list of at least one item")
