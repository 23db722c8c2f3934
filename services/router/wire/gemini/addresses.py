"""Where Gemini's methods are.

Formats: Gemini API reference, "Endpoints" (https://generativelanguage.googleapis.com/v1beta/models/...); Vertex AI's
reference of "generateContent" (https://LOCATION-aiplatform.googleapis.com/v1/projects/.../publishers/google/models/...).
"""

import re
from urllib.parse import quote

_VERSION = "v1beta"
_IS_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
_IN_A_COLLECTION = re.compile(r"(?:publishers/[\w-]+/)?(?:models|tunedModels|endpoints)/[\w@.-]*[\w@-]")


def method_url(base_url: str, model: str, method: str) -> str:
    """The address of a model's method. A base that has a version in its path keeps it, as Vertex AI's does."""
    segments = base_url.split("/")[3:]
    version = "" if any(_IS_VERSION.fullmatch(segment) for segment in segments) else f"/{_VERSION}"
    name = model if _IN_A_COLLECTION.fullmatch(model) else f"models/{quote(model, safe='@')}"
    return f"{base_url.rstrip('/')}{version}/{name}:{method}"


def resource_name(model: str) -> str:
    """The model with its collection; `models` where it names none: `tunedModels/x` is whole already."""
    return model if _IN_A_COLLECTION.fullmatch(model) else f"models/{model}"
