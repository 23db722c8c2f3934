"""Gemini's contents: requests read and checked, answers written."""
