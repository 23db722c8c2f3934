"""The written half of Pantheon: a package for each process, and what they share."""

import gc

# What importing makes stays for good, and a request makes few cycles: with Python's 700 new objects to a collection,
# one hundred to three hundred of them took an eighth of the time that a process needs to import what it is made of.
gc.set_threshold(50_000, 20, 20)
