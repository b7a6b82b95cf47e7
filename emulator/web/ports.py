"""The HTTP server's port: a free one the first time, the same from then on."""

import logging
import random
import socket
import struct

from emulator.core.store import Store

logger = logging.getLogger(__name__)
FACT = "port"
# Below what Linux hands out to outgoing connections, so that the port is still free at the next start.
CANDIDATES = range(20_000, 32_000)


class NoPort(Exception):  # noqa: N818 - reads as the sentence it is
    """The port that was asked for is taken."""


def listening_socket(store: Store, address: str, port: int) -> socket.socket:
    """Callers may connect from now on: they wait until the server has started. Raises NoPort."""
    if port:
        try:
            return listen_at(address, port)
        except OSError as error:
            raise NoPort(f"EMULATOR_PORT={port} cannot be used: {error.strerror}") from None
    kept = store.fact(FACT)
    candidates = random.sample(CANDIDATES, 50)
    for candidate in [int(kept), *candidates] if kept else candidates:
        try:
            found = listen_at(address, candidate)
        except OSError as error:
            logger.info("Port %d cannot be used: %s", candidate, error.strerror)
            continue
        store.set_fact(FACT, str(candidate))
        return found
    raise NoPort(f"none of {len(candidates)} ports at {address} is free: set EMULATOR_PORT")


def listen_at(address: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def reset_when_closed(connection: socket.socket) -> None:
    """Closing it then resets the connection at once, while Google's firewall drops packets."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
