"""Trying a model out: one completion like any other, and what can be told of its answer without another model."""
