"""What can go wrong when servers run as children of this process.

LocalError
├── ServerUnavailableError  the binary is missing, or cannot be run here
├── DirectoryUnusableError  the data directory belongs to another server or user
├── PortInUseError          the port asked for belongs to another process
└── StartError              the process ended, or was not ready in time
"""

from __future__ import annotations


class LocalError(Exception):
    """Root of the errors of `services.local`; the message is meant for the person at the terminal."""


class ServerUnavailableError(LocalError):
    """The server's binary is missing or cannot run on this machine; the message names the way out."""


class DirectoryUnusableError(LocalError):
    """Another live server still holds the data directory, or another user owns it."""


class PortInUseError(LocalError):
    """The port asked for is taken by another process."""


class StartError(LocalError):
    """The process ended, or was not ready before its deadline; the message carries its last log lines."""
