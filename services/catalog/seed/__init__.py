"""What the catalog starts with: providers, models and dated prices.

`models.json` and `providers.json` are written by a tool (`python -m services.catalog.seed.build`) from genai-prices,
models.dev and `curated.toml`; they are read by `services.catalog.seed.load`. Nobody edits them: a wrong figure is
mended in `curated.toml` or at its source.
"""
