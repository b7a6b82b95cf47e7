"""Whether a machine answers by SSH, and as whom: a key exchange, and no login."""

import asyncio
import importlib
from collections.abc import Collection
from dataclasses import dataclass

CONNECT_SECONDS = 10.0
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class UnreachableError(Exception):
    """Nobody answered; the message says what the system did."""


@dataclass(frozen=True)
class HostKey:
    """A public host key as OpenSSH writes it: algorithm, and base64."""

    algorithm: str
    base64: str


async def warm_up() -> None:
    """Import the client now, rather than in the first run: it takes half a second."""
    await asyncio.to_thread(importlib.import_module, "asyncssh")


async def host_key(address: str, port: int, algorithms: Collection[str]) -> HostKey | None:
    """The host key that the server proves to have, of the best of these algorithms; None when it offers none of them.

    Raises UnreachableError where nothing answers, or not as an SSH server does.
    """
    await warm_up()
    import asyncssh

    best = next((name for name in _PREFERRED if name in algorithms), None)
    if best is None:
        return None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # config=None: nothing that whoever runs the worker keeps in ~/.ssh plays a part.
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
