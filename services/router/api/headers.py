"""The headers that tell of an answer who gave it and what it cost, on every HTTP surface."""

from services.router.api.http import Headers
from services.router.attempts import Call
from services.router.engine import Completed
from services.router.plan import Candidate


def origin_headers(call: Call, candidate: Candidate) -> Headers:
    """Who answers, under which name."""
    headers = [
        (b"x-pantheon-model", call.plan.model.encode()),
        (b"x-pantheon-provider", candidate.provider.name.encode()),
    ]
    if candidate.provider.sandbox:
        headers.append((b"x-pantheon-sandbox", b"true"))
    return headers


def completed_headers(completed: Completed) -> Headers:
    """Who answered, and what it cost where that is known."""
    headers = origin_headers(completed.call, completed.candidate)
    if completed.facts.served_model:
        headers.append((b"x-pantheon-served-model", completed.facts.served_model.encode("ascii", "replace")))
    if completed.receipt.amount:
        headers.append((b"x-pantheon-cost", completed.receipt.amount.encode()))
    return headers
