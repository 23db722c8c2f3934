"""Everything the HTTP port serves."""

from services.router.api import openai_errors
from services.router.api.admission import Admission
from services.router.api.anthropic.counting import CountTokensSurface
from services.router.api.anthropic.surface import MessagesSurface
from services.router.api.app import HttpApi, Surface
from services.router.api.embeddings import EmbeddingsSurface
from services.router.api.models import MODELS, ModelsSurface
from services.router.api.openai import ChatSurface
from services.router.api.responses.surface import RESPONSES, ResponsesSurface, StoredResponses
from services.router.engine import Engine
from services.router.snapshot import Snapshot
from services.runtime.auth import Authenticator


def http_api(engine: Engine, authenticator: Authenticator, snapshot: Snapshot, admission: Admission) -> HttpApi:
    """The ASGI application with all surfaces."""
    models = ModelsSurface(snapshot)
    exact: dict[tuple[str, str], Surface] = {
        ("POST", "/v1/chat/completions"): ChatSurface(engine),
        ("POST", "/v1/embeddings"): EmbeddingsSurface(engine),
        ("POST", "/v1/messages"): MessagesSurface(engine),
        ("POST", "/v1/messages/count_tokens"): CountTokensSurface(engine),
        ("POST", RESPONSES): ResponsesSurface(engine),
        ("GET", MODELS): models,
    }
    stored = StoredResponses()
    below: dict[tuple[str, str], Surface] = {
        ("GET", f"{MODELS}/"): models,
        **{(method, f"{RESPONSES}/"): stored for method in ("GET", "POST", "DELETE")},
    }
    return HttpApi(authenticator, admission, exact, below, openai_errors)
