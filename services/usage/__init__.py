"""The usage service: turns completion events into a ledger, and the ledger into cost and latency reports."""
