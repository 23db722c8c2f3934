"""Anthropic's messages: requests read and checked, answers written."""
