"""The written half of Pantheon: a package for each process, and what they share."""
