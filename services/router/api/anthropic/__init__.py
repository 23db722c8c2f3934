"""What Anthropic's SDKs and the agents built on them speak: messages, counts of tokens, models.

Format: Anthropic API reference, "Messages", "Count tokens", "Models", "Errors", "Streaming messages". A request goes to
a provider of the same format as it came; for any other it is put into the common shape (`translation`), and the answer
comes back as a message (`answer`) or as its events (`events`). docs/translation.md says what becomes of what.
"""
