"""Bytes between file descriptors and coroutines.

Not asyncio's pipe transports: as asyncssh drives them, one end may close twice, and a fast sender can lose data.
"""

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable

CHUNK = 1 << 16


async def read_some(descriptor: int) -> bytes:
    """Read some bytes; none at the end. The descriptor must be non-blocking."""
    while True:
        try:
            return os.read(descriptor, CHUNK)
        except BlockingIOError:
            await _ready(asyncio.get_running_loop().add_reader, asyncio.get_running_loop().remove_reader, descriptor)
        except OSError as error:
            # A terminal reports this once no process has it open.
            if error.errno != errno.EIO:
                raise
            return b""


async def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes. The descriptor must be non-blocking. Raises OSError if nobody reads."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await _ready(asyncio.get_running_loop().add_writer, asyncio.get_running_loop().remove_writer, descriptor)


def set_size(terminal: int, columns: int, rows: int, pixel_width: int, pixel_height: int) -> None:
    """Set the size of a terminal. The kernel then signals the foreground process group."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, pixel_width, pixel_height))


async def _ready(
    add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], bool], descriptor: int
) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    add(descriptor, on_ready)
    try:
        await ready
    finally:
        remove(descriptor)
