"""`pantheon demo`: the whole stack, real traffic through both surfaces, and the proof that the ledger has all of it."""
