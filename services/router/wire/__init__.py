"""Wire formats: each knows how to talk to a provider, none knows which provider it is."""
