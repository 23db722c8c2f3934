"""The whole of Pantheon on one machine: NATS, Postgres and every service, started, watched and stopped together."""

from services.local.stack.listening import PORT_VARIABLES, Ports
from services.local.stack.plan import SERVICES, SIGNING_SERVICES, StackPlan
from services.local.stack.secrets import Secrets
from services.local.stack.stack import Report, Stack
from services.local.stack.surroundings import Surroundings

__all__ = [
    "PORT_VARIABLES",
    "SERVICES",
    "SIGNING_SERVICES",
    "Ports",
    "Report",
    "Secrets",
    "Stack",
    "StackPlan",
    "Surroundings",
]
