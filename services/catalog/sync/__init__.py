"""A sync: what providers list, compared with the catalog, and what comes of the difference. Pure.

catalog, listings ─▶ plausibility ─▶ comparison ─▶ SyncPlan ─▶ differences (for people), versions (of prices), digest
                     which lists     matching: which models they are about
                     are believed    merging: what they say of them
"""
