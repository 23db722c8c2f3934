"""What the edge is told from outside."""

from services.runtime.settings import ServiceSettings


class EdgeSettings(ServiceSettings):
    """See `ServiceSettings`. The first page shows the addresses to whoever opens it."""

    listen: str = "127.0.0.1:3000"
    auth_address: str = "127.0.0.1:50054"
    catalog_address: str = "127.0.0.1:50052"
    usage_address: str = "127.0.0.1:50053"
    router_address: str = "127.0.0.1:50051"
    """The router's gRPC surface."""
    router_http_address: str = "127.0.0.1:8080"
    """The router's OpenAI-compatible surface."""
    sandbox_url: str = ""
    """Where simulated providers run, as http://127.0.0.1:8099; empty: nowhere. Usage shown is of this kind."""
