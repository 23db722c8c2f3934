"""Fuzzing of everything that reads bytes from strangers: `make fuzz`, or `python -m tests.fuzz --help`.

Event streams, answers, chunks, errors and requests, mutated or made up, in every format. Whatever comes in, only errors
of Pantheon's own tree may come out, and soon.
"""
