"""The RPCs of the auth service. They map and open the transaction; rules decide, the store queries."""

from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceServicer
from services.auth.resources import Resources
from services.auth.servicer_identity import IdentityRpcs
from services.auth.servicer_keys import KeyRpcs
from services.auth.servicer_signing import SigningRpcs
from services.auth.servicer_tokens import TokenRpcs


class AuthServicer(TokenRpcs, SigningRpcs, IdentityRpcs, KeyRpcs, AuthServiceServicer):
    """Every RPC the contract declares."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
