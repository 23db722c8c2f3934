"""What a checked Anthropic request asks of the model."""

from collections.abc import Iterator, Sequence

import msgspec

from services.sandbox import text
from services.sandbox.anthropic_messages.body import Block, CacheControl, Message, MessagesBody, Tool
from services.sandbox.anthropic_messages.conversation import blocks_of
from services.sandbox.chat import CacheBlock, ChatRequest, ToolChoice
from services.sandbox.chat import Tool as CallableTool

_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_PROMPT = 3
_TOKENS_PER_MEDIUM = 1600
"""About what an image of a megapixel takes, after Anthropic's guide "Vision"; documents count the same here."""
_CHOICES = {"auto": ToolChoice.AUTO, "none": ToolChoice.NONE, "any": ToolChoice.REQUIRED, "tool": ToolChoice.REQUIRED}
_EFFORTS = {"max": "xhigh"}


class _Piece(msgspec.Struct, frozen=True):
    """A block of the prompt as text."""

    text: str
    cache_control: CacheControl | None


def interpret(body: MessagesBody, *, model: str) -> ChatRequest:
    """What the request asks of the model named `model`."""
    messages = body.messages or []
    pieces = list(_pieces(body))
    prompt = "\n".join(piece.text for piece in pieces)
    choice, thinking, config = body.tool_choice, body.thinking, body.output_config
    last = blocks_of(messages[-1])
    return ChatRequest(
        model=model,
        prompt=prompt,
        question=next((_words(blocks_of(message)) for message in reversed(messages) if message.role == "user"), ""),
        prompt_tokens=(
            _TOKENS_PER_PROMPT
            + _TOKENS_PER_MESSAGE * len(messages)
            + _TOKENS_PER_MEDIUM * _media(messages)
            + text.count_tokens(prompt)
        ),
        stream=bool(body.stream),
        include_usage=True,
        max_tokens=body.max_tokens,
        stop=tuple(body.stop_sequences or ()),
        tools=tuple(CallableTool(tool.name, tool.input_schema) for tool in body.tools or () if tool.is_clients),
        tool_choice=_CHOICES[choice.type] if choice else ToolChoice.AUTO,
        forced_tool=choice.name if choice and choice.type == "tool" else None,
        parallel_tool_calls=not (choice and choice.disable_parallel_tool_use),
        follows_tool_result=any(block.type == "tool_result" for block in last),
        json_schema=body.format.schema if body.format else None,
        reasons=thinking is not None and thinking.type != "disabled",
        reasoning_effort=_effort(config.effort) if config else None,
        reasoning_limit=thinking.budget_tokens if thinking else None,
        shows_reasoning=thinking is not None and thinking.display != "omitted",
        cache_blocks=tuple(_cache_blocks(pieces, body.cache_control)),
    )


def _effort(effort: str | None) -> str | None:
    return None if effort is None else _EFFORTS.get(effort, effort)


def _pieces(body: MessagesBody) -> Iterator[_Piece]:
    """The prompt in the order in which it is cached: tools, system, messages."""
    for tool in body.tools or ():
        yield _Piece(_definition(tool), tool.cache_control)
    if isinstance(body.system, str):
        yield _Piece(body.system, None)
    for block in body.system if isinstance(body.system, list) else ():
        yield _Piece(block.text, block.cache_control)
    for message in body.messages or ():
        yield _Piece(message.role, None)
        for block in blocks_of(message):
            yield _Piece(_text(block), block.cache_control)


def _cache_blocks(pieces: list[_Piece], automatic: CacheControl | None) -> Iterator[CacheBlock]:
    """The end of each piece; with automatic caching the last one is marked too."""
    end = 0
    for position, piece in enumerate(pieces):
        end += len(piece.text)
        is_last = position == len(pieces) - 1
        yield CacheBlock(end, piece.cache_control is not None or (is_last and automatic is not None))
        end += 1


def _definition(tool: Tool) -> str:
    schema = msgspec.json.encode(tool.input_schema).decode() if tool.input_schema else ""
    return f"{tool.name} {tool.description} {schema}"


def _text(block: Block) -> str:
    match block.type:
        case "tool_use":
            return f"{block.name} {msgspec.json.encode(block.input).decode()}"
        case "tool_result":
            return block.content if isinstance(block.content, str) else _inner(block.content or [])
        case "thinking":
            return block.thinking
    return block.text


def _inner(content: list[object]) -> str:
    texts = [part.get("text", "") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in texts if isinstance(part, str))


def _words(blocks: Sequence[Block]) -> str:
    return "\n".join(block.text for block in blocks if block.type == "text")


def _media(messages: list[Message]) -> int:
    return sum(block.type in ("image", "document") for message in messages for block in blocks_of(message))
