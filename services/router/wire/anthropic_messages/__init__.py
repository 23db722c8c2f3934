"""Anthropic's Messages API as providers speak it.

>>> wires = {Format.CHAT: AnthropicMessages(), Format.COUNT_TOKENS: AnthropicCountTokens()}
"""

from services.router.wire.anthropic_messages.wire import AnthropicCountTokens, AnthropicMessages

__all__ = ["AnthropicCountTokens", "AnthropicMessages"]
