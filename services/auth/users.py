"""Rules about users: what an email, a password and a role may be, and who may give which role. Pure functions."""

import re
import unicodedata
from datetime import datetime, timedelta
from math import ceil

from pantheon.auth.v1.access_pb2 import Role
from services.auth.entities import LoginAttempts
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField, RateLimited

LOGIN_WINDOW = timedelta(minutes=15)
_ATTEMPTS_ALLOWED = 10

_EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PASSWORD_LENGTH = range(8, 1025)
_ROLES = sorted(set(Role.values()) - {Role.ROLE_UNSPECIFIED})


def email(field: str, value: str) -> str:
    """The address in the one spelling in which addresses are kept and compared.

    Raises:
        InvalidField: it is none.
    """
    address = unicodedata.normalize("NFC", value).strip().lower()
    if len(address) > _EMAIL_LENGTH or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise InvalidField(field, value, f"an address as ada@example.org, at most {_EMAIL_LENGTH} characters")
    return address


def password(field: str, value: str) -> str:
    """The password as it came.

    Raises:
        InvalidField: it is too short or too long. The error tells its length only.
    """
    if len(value) not in _PASSWORD_LENGTH:
        allowed = f"{_PASSWORD_LENGTH[0]} to {_PASSWORD_LENGTH[-1]} characters"
        raise InvalidField(field, f"{len(value)} characters", allowed)
    return value


def role(field: str, value: Role.ValueType) -> Role.ValueType:
    """A role users can have.

    Raises:
        InvalidField: there is no such role.
    """
    if value not in _ROLES:
        raise InvalidField(field, value, "one of " + ", ".join(f"{Role.Name(known)} ({known})" for known in _ROLES))
    return value


def check_gives(caller: Principal, given: Role.ValueType, method: str) -> None:
    """Nobody gives a role above the own, or acts for somebody who has one.

    Raises:
        AccessDenied: the caller would.
    """
    if given > caller.role:
        required = Role.Name(given)
        raise AccessDenied(f"{method} for {required} needs that role", method=method, required=required)


def check_role(caller: Principal, least: Role.ValueType, method: str) -> None:
    """What only some callers of a method may ask of it.

    Raises:
        AccessDenied: the caller's role is less than `least`.
    """
    if caller.role < least:
        required = Role.Name(least)
        raise AccessDenied(f"What was asked of {method} needs {required}", method=method, required=required)


def check_attempts(attempts: LoginAttempts, now: datetime) -> None:
    """Ten attempts to log in are allowed in fifteen minutes; one that succeeds starts the count anew.

    Raises:
        RateLimited: there were more. Says when the next one is allowed.
    """
    if attempts.count > _ATTEMPTS_ALLOWED:
        wait = ceil((attempts.first_at + LOGIN_WINDOW - now).total_seconds())
        raise RateLimited(
            f"Too many attempts to log in with this email; the next is allowed in {wait} seconds",
            limit="login_attempts",
            retry_after_seconds=wait,
        )
