"""OpenAI's Responses API: POST /v1/responses, for any model.

Format: OpenAI API reference, "Responses" and "Streaming events". A request goes to a provider that serves the format as
it came; for any other it is put into the common shape (`translation`), and the answer comes back as a response object
(`whole`) or as its events (`events`). docs/translation.md says what becomes of what.
"""
