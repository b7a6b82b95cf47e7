"""Checks whether a machine answers by SSH, and with which host key. It does not log in."""

import asyncio
import importlib
from collections.abc import Collection
from dataclasses import dataclass

CONNECT_SECONDS = 10.0
PROBE_SECONDS = 5.0
_GREETING = b"SSH-"
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class UnreachableError(Exception):
    """No SSH server answered. The message is the system's."""


@dataclass(frozen=True)
class HostKey:
    """A public host key in OpenSSH's form."""

    algorithm: str
    base64: str


async def warm_up() -> None:
    """Import the client, which takes half a second, so that the first run need not wait for it."""
    await asyncio.to_thread(importlib.import_module, "asyncssh")


async def answers(address: str, port: int) -> bool:
    """Whether an SSH server greets there. It costs one connection, and no key is exchanged."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return await reader.readexactly(len(_GREETING)) == _GREETING
            finally:
                writer.close()
    except (OSError, EOFError):
        return False


async def host_key(address: str, port: int, algorithms: Collection[str]) -> HostKey | None:
    """The server's host key of the best of these algorithms; None if it supports none of them.

    Raises UnreachableError if no SSH server answers.
    """
    await warm_up()
    import asyncssh

    # The server is asked for one algorithm, so it should be the best.
    best = next((name for name in _PREFERRED if name in algorithms), None)
    if best is None:
        return None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # config=None: ignore the SSH configuration of the user who runs the worker.
            desired = list(_SIGNATURES.get(best, (best,)))
            key = await asyncssh.get_server_host_key(address, port, server_host_key_algs=desired, config=None)
    except asyncssh.KeyExchangeFailed:
        return None
    except TimeoutError:
        raise UnreachableError(f"no answer within {CONNECT_SECONDS:.0f} seconds") from None
    except (OSError, asyncssh.Error) as error:
        raise UnreachableError(str(error)) from error
    if key is None:
        return None
    algorithm, base64, *_ = key.export_public_key("openssh").decode().split()
    return HostKey(algorithm, base64)
