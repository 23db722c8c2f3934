"""The auth service: organisations, projects, users, API keys, tokens, and the log of who did what."""
