"""A chat request as a request of Anthropic's Messages API.

Formats: OpenAI API reference, "Create chat completion"; Claude API docs, "Create a message". What becomes of each
member is told in docs/translation.md.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.parameters import RANGES
from services.router.chat import NULL, Body
from services.router.wire.anthropic_messages.blocks import TextBlock
from services.router.wire.anthropic_messages.conversation import Turn, read_conversation
from services.router.wire.anthropic_messages.generations import Generation, generation_of
from services.router.wire.anthropic_messages.outputs import OutputFormat, output_format
from services.router.wire.anthropic_messages.thinking import Thinking, thought
from services.router.wire.anthropic_messages.tools import AnyTool, ToolChoice, choice_of, tools_of
from services.router.wire.reading import Member, given
from services.runtime.errors import InvalidField, UnsupportedFeature

_MOST_TEMPERATURE = 1
_SAMPLING = ("temperature", "top_p", "top_k")
_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only", "standard": "standard_only"}
_ANSWER_TOKENS = int(RANGES["max_tokens"].default)


class _OutputConfig(msgspec.Struct):
    effort: str | UnsetType = UNSET
    format: OutputFormat | UnsetType = UNSET


class _Metadata(msgspec.Struct):
    user_id: str


class _Request(msgspec.Struct, kw_only=True):
    """The body, in the order of Anthropic's reference. What is unset is left out."""

    model: str
    max_tokens: int
    system: list[TextBlock] | UnsetType
    messages: list[Turn]
    stream: bool | UnsetType
    temperature: msgspec.Raw | UnsetType
    top_p: msgspec.Raw | UnsetType
    top_k: msgspec.Raw | UnsetType
    stop_sequences: list[str] | UnsetType
    tools: list[AnyTool] | UnsetType
    tool_choice: ToolChoice | UnsetType
    thinking: Thinking | msgspec.Raw | UnsetType
    output_config: _OutputConfig | UnsetType
    metadata: _Metadata | UnsetType
    service_tier: str | UnsetType
    cache_control: msgspec.Raw | UnsetType


_encode = msgspec.json.Encoder().encode
_limit: Member[int] = Member("max_tokens", int)
_stop: Member[str | list[str]] = Member("stop", str | list[str])
_user: Member[str] = Member("user", str)
_tier: Member[str] = Member("service_tier", str)
_choices: Member[int] = Member("n", int)
_flag: Member[bool] = Member("logprobs", bool)
_kinds: Member[list[str]] = Member("modalities", list[str])


def render_chat(chat: Body, fill: Body, model: str, *, stream: bool) -> bytes:
    """The body to send. `fill` holds parameters the request leaves open.

    Raises:
        UnsupportedFeature: Anthropic's format can't say what the request says.
        InvalidField: a member is not what it should be.
    """
    _refuse_inexpressible(chat)
    generation = generation_of(model)
    conversation = read_conversation(chat.get("messages", NULL))
    tools = tools_of(chat, generation)
    choice = choice_of(chat, has_tools=bool(tools))
    forced = choice is not UNSET and choice.forces
    limit = _limit_of({**chat, **fill})
    unfinished = conversation.goes_on_without_thinking
    thinking = thought(chat, generation, limit=limit, forced=forced, unfinished=unfinished)
    answer = output_format(chat["response_format"]) if given(chat, "response_format") is not None else None
    if isinstance(answer, str):
        conversation.system.append(TextBlock(answer))
    config = _OutputConfig(thinking.effort, answer if isinstance(answer, OutputFormat) else UNSET)
    sampling = open_sampling(chat, fill, generation, thinks=thinking.is_on)
    request = _Request(
        model=model,
        max_tokens=thinking.tokens + _ANSWER_TOKENS if limit is None else limit,
        system=conversation.system or UNSET,
        messages=conversation.turns,
        stream=stream or UNSET,
        temperature=sampling.get("temperature", UNSET),
        top_p=sampling.get("top_p", UNSET),
        top_k=sampling.get("top_k", UNSET),
        stop_sequences=_stop_sequences(chat),
        tools=tools or UNSET,
        tool_choice=choice,
        thinking=thinking.thinking,
        output_config=UNSET if config == _OutputConfig() else config,
        metadata=_metadata(chat),
        service_tier=_service_tier(chat),
        cache_control=given(chat, "cache_control") or UNSET,
    )
    return _encode(request)


def open_sampling(body: Body, fill: Body, generation: Generation, *, thinks: bool) -> Body:
    """temperature, top_p and top_k, of the request or else filled in; none where the model takes none.

    Models of today refuse them, as do the others while they think; many refuse two of them at once, so that only one
    is filled in.

    Raises:
        InvalidField: the temperature is above 1, the most that Anthropic takes.
    """
    if thinks or not generation.samples:
        return {}
    found = {name: body[name] for name in _SAMPLING if given(body, name) is not None}
    filled = [name for name in _SAMPLING if name in fill and name not in found]
    if filled and not found:
        found[filled[0]] = fill[filled[0]]
    if "temperature" in found:
        _check_temperature(found["temperature"])
    return found


def _check_temperature(raw: msgspec.Raw) -> None:
    try:
        fits = 0 <= msgspec.json.decode(raw, type=float) <= _MOST_TEMPERATURE
    except (msgspec.DecodeError, UnicodeDecodeError):
        fits = False
    if not fits:
        shown = bytes(raw)[:32].decode("utf-8", "replace")
        raise InvalidField("temperature", shown, f"0 to {_MOST_TEMPERATURE} in Anthropic's format")


def _refuse_inexpressible(chat: Body) -> None:
    """What would make another answer if it were left out."""
    if _choices.of(chat) not in (None, 1):
        raise _inexpressible("n", "there is one answer to a request")
    if _flag.of(chat):
        raise _inexpressible("logprobs", "it tells no probabilities")
    if _kinds.of(chat) not in (None, ["text"]):
        raise _inexpressible("modalities", "an answer is text")
    for old, new in (("functions", "tools"), ("function_call", "tool_choice")):
        if given(chat, old) is not None:
            raise _inexpressible(old, f"use {new}")


def _inexpressible(field: str, why: str) -> UnsupportedFeature:
    return UnsupportedFeature(f"{field}: not in Anthropic's format, {why}", field=field)


def _limit_of(body: dict[str, Any]) -> int | None:
    raw = given(body, "max_completion_tokens")
    if raw is None:
        raw = given(body, "max_tokens")
    return None if raw is None else _limit.read(raw)


def _stop_sequences(chat: Body) -> list[str] | UnsetType:
    stop = _stop.of(chat)
    if stop is None:
        return UNSET
    sequences = [stop] if isinstance(stop, str) else stop
    if any(sequence.isspace() for sequence in sequences):
        raise UnsupportedFeature("stop: Anthropic's format takes no sequence of white space alone", field="stop")
    return sequences or UNSET


def _metadata(chat: Body) -> _Metadata | UnsetType:
    user = given(chat, "safety_identifier") or given(chat, "user")
    return UNSET if user is None else _Metadata(_user.read(user))


def _service_tier(chat: Body) -> str | UnsetType:
    return _TIERS.get(_tier.of(chat) or "", UNSET)
