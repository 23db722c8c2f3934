"""Simulated LLM providers that speak the real wire formats: for demos, tests, load and game days, never production.

One request's way through the package:

    app ─▶ doors ─▶ exchange ─▶ recorder        seen, before anything is answered
                            ├─▶ faults          what was ordered to go wrong
                            ├─▶ <provider>      the provider's own words in, and its own words out
                            ├─▶ completion ─▶ answers ─▶ text, schema, prompt_cache
                            └─▶ delivery ─▶ pace ─▶ connection   when each byte leaves, and how the connection ends

A provider is one module (`openai`, `openrouter`, `anthropic`, `gemini`) behind `provider.Provider`, registered in
`app.PROVIDERS`. Where it can be talked to in several ways, each is a `provider.Dialect`.
"""
