"""A machine's SSH server."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from emulator.machines import logins
from emulator.machines.folders import MACHINE, SSH_KEYS, prepare_data_disk, prepare_home
from emulator.machines.machine_spec import HOME_DEVICE, MachineSpec, disk_folder
from emulator.machines.sandbox import Sandbox
from emulator.machines.session import Session
from emulator.machines.sftp import MachineFiles, PathMap
from emulator.machines.startup import Startup
from emulator.web.ports import reset_when_closed

LOOPBACK = ("", "localhost", "127.0.0.1", "::1", "*", "0.0.0.0", "::")
LOGIN_TIMEOUT_S = 30
MOST_TRIES = 6
"""sshd's default. A client with a full agent reaches it before it comes to the right key."""
Users = Callable[[], dict[str, list[str]]]


class SshMachine:
    """A running machine: its sandbox, listener and sessions."""

    def __init__(
        self, spec: MachineSpec, disks: Path, sandbox: Sandbox, users: Users, allows: Callable[[str], bool]
    ) -> None:
        """:param users: returns who may log in, with which keys.
        :param allows: whether the firewall allows a client's address.
        """
        self.spec = spec
        self.disks = disks
        self.sandbox = sandbox
        self.users = users
        self.allows = allows
        self.home_disk: int | None = None
        self.other_disks: set[int] = set()
        self._home_size_gb = 0
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._keys = disk_folder(disks, spec.boot_disk) / SSH_KEYS
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._startup: Startup | None = None

    @property
    def public_keys(self) -> dict[str, str]:
        """The public halves of the host keys in its folder: algorithm → base64."""
        lines = [file.read_text().split() for file in sorted(self._keys.glob("ssh_host_*_key.pub"))]
        return {algorithm: key for algorithm, key, *_ in lines}

    async def listen(self, host: str, port: int) -> None:
        """Listen with the host keys on the boot disk. Raises OSError."""
        make_host_key(self._keys)
        self._acceptor = await asyncssh.listen(
            host,
            port,
            server_factory=lambda: _Server(self),
            server_host_keys=self._private_keys(),
            process_factory=self._process,
            sftp_factory=self._files,
            allow_scp=True,
            agent_forwarding=True,
            x11_forwarding=False,
            encoding=None,
            line_editor=False,
            login_timeout=LOGIN_TIMEOUT_S,
            reuse_address=True,
        )

    def reload_host_keys(self) -> None:
        """Load the host keys again. Like with sshd, open sessions continue."""
        if self._acceptor:
            self._acceptor.update(server_host_keys=self._private_keys())

    def _private_keys(self) -> list[str]:
        return [str(file) for file in sorted(self._keys.glob("ssh_host_*_key"))]

    async def attach(self, spec: MachineSpec) -> bool:
        """Attach the disks, or make the data disk larger; returns whether it has become larger."""
        disk, size_gb = spec.home_disk, spec.home_size_gb
        has_grown = disk is not None and disk == self.home_disk and size_gb > self._home_size_gb
        disks = {**({} if disk is None else {HOME_DEVICE: (disk, size_gb)}), **spec.other_disks}
        for number, its_size_gb in disks.values():
            prepare_data_disk(disk_folder(self.disks, number), its_size_gb)
        await self.sandbox.attach({name: number for name, (number, _) in disks.items()})
        self.home_disk, self._home_size_gb = disk, size_gb
        self.other_disks = {number for number, _ in spec.other_disks.values()}
        return has_grown

    async def run_startup_script(self, script: str, metadata_server: str) -> None:
        """Returns once it has begun."""
        self._startup = Startup(self.sandbox, disk_folder(self.disks, self.spec.boot_disk))
        await self._startup.begin(script, metadata_server)

    async def shut_down(self, script: str) -> None:
        """Run its shutdown script, before it is stopped."""
        if self._startup and script and self.sandbox.has_disks:
            await self._startup.shut_down(script)

    async def tell(self) -> None:
        """Have it say now how it is, instead of within the minute."""
        if self._startup:
            await self._startup.tell()

    async def work(self, name: str) -> None:
        """Have it do something; see workloads."""
        if self._startup:
            await self._startup.work(name)

    async def stop(self) -> None:
        """Answers no more; sessions end, and every process with them."""
        if self._acceptor:
            self._acceptor.close()
        for connection in list(self.connections):
            connection.disconnect(asyncssh.DISC_BY_APPLICATION, "The machine is going down.")
        if self._startup:
            await self._startup.stop()
        await self.sandbox.stop()
        if self._acceptor:
            await self._acceptor.wait_closed()

    async def _process(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        user = str(process.get_extra_info("username"))
        boot = disk_folder(self.disks, self.spec.boot_disk)
        prepare_home(boot, user)
        machine = f"{self.sandbox.home_root}/{MACHINE.removeprefix('home/')}"
        with logins.session(boot / MACHINE, user) as typed:
            await Session(self.sandbox, user, machine, boot / "tmp", typed).run(process)

    def _files(self, channel: "asyncssh.SSHServerChannel[bytes]") -> MachineFiles:
        user = str(channel.get_extra_info("username"))
        prepare_home(disk_folder(self.disks, self.spec.boot_disk), user)
        return MachineFiles(channel, PathMap(self.sandbox.folders, f"/home/{user}"))


class _Server(asyncssh.SSHServer):
    """Decides who may log in, and what may be forwarded."""

    def __init__(self, machine: SshMachine) -> None:
        self._machine = machine
        self._connection: asyncssh.SSHServerConnection | None = None
        self._failures = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if not self._machine.allows(str(conn.get_extra_info("peername")[0])):
            reset_when_closed(conn.get_extra_info("socket"))
            conn.abort()
            return
        self._connection = conn
        self._machine.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection:
            self._machine.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a key may log in. Read each time, so that added and removed keys take effect at once."""
        is_valid = any(_same(key, text) for text in self._machine.users().get(username, ()))
        self._failures += not is_valid
        if self._failures >= MOST_TRIES:
            raise asyncssh.ProtocolError("Too many authentication failures")
        return is_valid

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True

    def server_requested(self, listen_host: str, listen_port: int) -> bool | Awaitable[asyncssh.SSHListener]:
        """-R: on this computer's loopback only, as with sshd's `GatewayPorts no`."""
        if listen_host not in LOOPBACK or self._connection is None:
            return False
        host = "127.0.0.1"
        return self._connection.forward_local_port(host, listen_port, listen_host, listen_port)

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True


def make_host_key(folder: Path) -> None:
    """Create host keys, as an image does at its first boot, unless there are some."""
    path = folder / "ssh_host_ed25519_key"
    if path.exists():
        return
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.touch(mode=0o600)
    path.write_bytes(key.export_private_key("openssh"))
    path.with_suffix(".pub").write_bytes(key.export_public_key("openssh"))


def _same(key: asyncssh.SSHKey, text: str) -> bool:
    try:
        return asyncssh.import_public_key(text).public_data == key.public_data
    except asyncssh.KeyImportError:
        # A line the guest agent would not understand either: it lets nobody in.
        return False
