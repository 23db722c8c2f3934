"""What the performance figures in the README come from: `make bench`."""
