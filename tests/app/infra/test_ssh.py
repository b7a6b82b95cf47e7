"""Asking an SSH server who it is, without logging in."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator

import asyncssh
import pytest

from app.infra import ssh
from app.infra.ssh import UnreachableError

pytestmark = pytest.mark.anyio
ED25519, ECDSA = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ecdsa-sha2-nistp256")


def public(key: asyncssh.SSHKey) -> str:
    return base64.b64encode(key.public_data).decode()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a server with two host keys, which lets nobody in."""
    acceptor = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[ED25519, ECDSA])
    yield acceptor.get_port()
    acceptor.close()


async def test_the_best_of_the_wanted_keys_is_shown(port: int) -> None:
    both = await ssh.host_key("127.0.0.1", port, ["ecdsa-sha2-nistp256", "ssh-ed25519"])
    assert both == ssh.HostKey("ssh-ed25519", public(ED25519))
    one = await ssh.host_key("127.0.0.1", port, ["ecdsa-sha2-nistp256"])
    assert one == ssh.HostKey("ecdsa-sha2-nistp256", public(ECDSA))


async def test_a_server_without_the_wanted_key_shows_none(port: int) -> None:
    assert await ssh.host_key("127.0.0.1", port, ["ssh-rsa"]) is None
    assert await ssh.host_key("127.0.0.1", port, ["unheard-of"]) is None


async def test_nobody_there_is_told_as_the_system_says_it() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match=r"refused|Connect call failed"):
            await ssh.host_key("127.0.0.1", closed.getsockname()[1], ["ssh-ed25519"])


async def test_silence_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "CONNECT_SECONDS", 0.2)
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    with pytest.raises(UnreachableError, match="no answer"):
        await ssh.host_key("127.0.0.1", server.sockets[0].getsockname()[1], ["ssh-ed25519"])
    server.close()


async def test_another_protocol_is_not_ssh() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    with pytest.raises(UnreachableError):
        await ssh.host_key("127.0.0.1", server.sockets[0].getsockname()[1], ["ssh-ed25519"])
    server.close()
