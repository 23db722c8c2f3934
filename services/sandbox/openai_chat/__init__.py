"""OpenAI's chat completions wire format: what comes in (`body`, `rules`), and what goes out (`deltas`, `rendering`)."""
