"""A process's listening sockets."""

import socket

_BACKLOG = 2_048


def listen(host: str, port: int, name: str) -> socket.socket:
    """A TCP socket that listens; port 0 takes a free one.

    Raises:
        SystemExit: the port can't be bound; the line printed names it and says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # fails where somebody bound the port as we did, and was quicker to listen
    except OSError as error:
        listener.close()
        raise SystemExit(f"The {name} port {host}:{port} can't be bound: {error.strerror}") from None
    return listener
