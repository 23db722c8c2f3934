"""The rules of the house that no linter knows, checked by `make check` over every file git would commit.

Each rule is a function from one `Source` to its `Finding`s. An exception to a rule is one line with
its reason in exceptions.toml, and an exception nobody needs any more is a finding too.
"""
