"""The router: one request from arrival to settled event."""
