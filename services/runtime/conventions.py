"""What both ends of a call keep to. Apart from either end: who only calls need not import what serves and verifies."""

from services.runtime.errors import CredentialsMissing

REQUEST_ID_KEY = "x-request-id"
SERVICE_KEY = "x-pantheon-service"
"""In a call's metadata, beside the user's `authorization`: the request it is part of, and the process it comes from."""
MAX_MESSAGE_BYTES = 32 * 1024 * 1024


def bearer(authorization: str) -> str:
    """The credential in an Authorization header or metadata value ("Bearer " in any case).

    Raises:
        CredentialsMissing: it is empty or of another scheme.
    """
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        raise CredentialsMissing
    return credential
