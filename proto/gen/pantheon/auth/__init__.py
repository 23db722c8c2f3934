"""Generated from proto/pantheon by `make proto`; never edited."""
