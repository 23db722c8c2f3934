"""Providers, models with dated prices, and users' settings: gRPC 50052, Postgres schema `catalog`."""
