"""OpenAI's responses: requests read and checked, answers written."""
