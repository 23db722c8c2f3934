"""The REST API for people and the web console: HTTP 3000, keeps nothing, asks the other services by gRPC."""
