"""The rules for the messages of a request: roles, contents, tool results and thinking that come back."""

from collections.abc import Sequence

from services.sandbox.anthropic_messages import signatures
from services.sandbox.anthropic_messages.body import Block, Message, MessagesBody
from services.sandbox.errors import ApiError

_ROLES = ("user", "assistant", "system")
_TYPES = frozenset(
    {
        *("text", "image", "document", "search_result", "tool_use", "tool_result", "thinking", "redacted_thinking"),
        *("server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"),
        *("bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result"),
        *("container_upload", "mcp_tool_use", "mcp_tool_result", "compaction"),
    }
)
_USERS_ONLY = frozenset({"tool_result", "image", "document"})
_ASSISTANTS_ONLY = frozenset({"tool_use", "thinking", "redacted_thinking"})


def check(body: MessagesBody) -> None:
    """Raises ApiError 400 for the first thing the real API would refuse."""
    messages = body.messages
    if messages is None:
        raise ApiError(400, "messages: Field required")
    if not messages:
        raise ApiError(400, "messages: at least one message is required")
    for position, message in enumerate(messages):
        _check_message(message, position, is_last=position == len(messages) - 1)
    if messages[0].role != "user":
        raise ApiError(400, 'messages: first message must use the "user" role')
    _check_results(messages)


def blocks_of(message: Message) -> Sequence[Block]:
    """A message's content as blocks."""
    return (Block(type="text", text=message.content),) if isinstance(message.content, str) else message.content


def _check_message(message: Message, position: int, *, is_last: bool) -> None:
    place = f"messages.{position}"
    if message.role not in _ROLES:
        raise ApiError(400, f"{place}.role: Input should be 'user' or 'assistant'")
    if not message.content and not (is_last and message.role == "assistant"):
        if message.role == "assistant":
            text = f"{place}: all messages must have non-empty content except for the optional final assistant message"
            raise ApiError(400, text)
        raise ApiError(400, f"{place}: user messages must have non-empty content")
    if isinstance(message.content, list):
        for number, block in enumerate(message.content):
            _check_block(block, message.role, f"{place}.content.{number}")
    last = blocks_of(message)[-1:]
    if is_last and message.role == "assistant" and last and last[0].text != last[0].text.rstrip():
        raise ApiError(400, "messages: final assistant content cannot end with trailing whitespace")


def _check_block(block: Block, role: str, place: str) -> None:
    if block.type not in _TYPES:
        names = ", ".join(f"'{name}'" for name in sorted(_TYPES))
        text = f"Input tag '{block.type}' found using 'type' does not match any of the expected tags: {names}"
        raise ApiError(400, f"{place}: {text}")
    if (block.type in _USERS_ONLY and role != "user") or (block.type in _ASSISTANTS_ONLY and role != "assistant"):
        found = "user" if role == "assistant" else "assistant"
        raise ApiError(400, f"{place}: `{block.type}` blocks can only be in `{found}` messages")
    if block.type == "text" and not block.text:
        raise ApiError(400, "messages: text content blocks must be non-empty")
    for name in _needed(block.type):
        if getattr(block, name) is None:
            raise ApiError(400, f"{place}.{block.type}.{name}: Field required")
    if block.type == "tool_use" and not isinstance(block.input, dict):
        raise ApiError(400, f"{place}.tool_use.input: Input should be a valid dictionary")
    if block.type == "thinking" and not signatures.signs(block.signature or "", block.thinking):
        raise ApiError(400, f"{place}: Invalid `signature` in `thinking` block")
    if block.type == "redacted_thinking" and not signatures.is_redacted(block.data or ""):
        raise ApiError(400, f"{place}: Invalid `data` in `redacted_thinking` block")


def _needed(block_type: str) -> tuple[str, ...]:
    match block_type:
        case "tool_use":
            return ("id", "name", "input")
        case "tool_result":
            return ("tool_use_id",)
        case "thinking":
            return ("signature",)
        case "redacted_thinking":
            return ("data",)
        case "image" | "document":
            return ("source",)
    return ()


def _check_results(messages: Sequence[Message]) -> None:
    """Every tool use is followed by its result, and every result follows its use; same roles in a row count as one."""
    called: dict[str, None] = {}
    previous = ""
    for position, message in enumerate(messages):
        blocks = blocks_of(message)
        if message.role == "assistant":
            if previous != "assistant":
                called = {}
            called |= {block.id or "": None for block in blocks if block.type == "tool_use"}
            pending = position < len(messages) - 1 and messages[position + 1].role != "assistant"
            if called and pending:
                _check_answered(list(called), messages[position + 1 :], position)
        elif message.role == "user":
            _check_answers(blocks, called, position)
        previous = message.role


def _check_answered(called: Sequence[str], following: Sequence[Message], position: int) -> None:
    answered = set()
    for message in following:
        if message.role == "assistant":
            break
        answered |= {block.tool_use_id for block in blocks_of(message) if block.type == "tool_result"}
    if missing := [call for call in called if call not in answered]:
        text = (
            f"messages.{position}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )
        raise ApiError(400, text)


def _check_answers(blocks: Sequence[Block], called: dict[str, None], position: int) -> None:
    for number, block in enumerate(blocks):
        if block.type == "tool_result" and block.tool_use_id not in called:
            text = (
                f"messages.{position}.content.{number}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{block.tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
            raise ApiError(400, text)
