"""What providers say they serve: their own lists of models, fetched, read, and told in one shape.

    fetching ─▶ formats ─▶ <one module a format> ─▶ members, token_prices
    HTTP        which of them    pure               pure

A list is read for what it can tell: a member that is missing or of a surprising kind is unknown, and an entry without
an id is passed over. What is no list at all raises `ListBroken`.
"""
