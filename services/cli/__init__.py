"""The `pantheon` command."""
