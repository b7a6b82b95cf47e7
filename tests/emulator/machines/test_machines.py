"""Machines, with the real ssh, scp and sftp."""

import hashlib
import http.server
import os
import pty
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, machine, nat_ip, until

MEGABYTES = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laptop")


@pytest.fixture(scope="module")
def key(folder: Path) -> Key:
    return make_key(folder / "id_ed25519")


def log_in(world: World, instance: str, key: Key, folder: Path) -> Ssh:
    """Once the machine has booted."""
    host_key = world.host_key(instance)
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, folder)


def ssh_keys(*lines: str) -> dict[str, str]:
    return dict(machine(**{"ssh-keys": "\n".join(lines)})["metadata"])


@pytest.fixture(scope="module")
def instance(world: World, key: Key) -> str:
    """A workstation: with its data disk at /home/jupyter."""
    return world.workstation("grace-box", key.public, world.disk("grace-box-home"))


@pytest.fixture(scope="module")
def ssh(world: World, instance: str, key: Key, folder: Path) -> Ssh:
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, folder)


def test_the_machine_has_its_own_name_home_and_data_disk(ssh: Ssh) -> None:
    assert ssh.out("hostname") == "grace-box"
    assert ssh.out("whoami; pwd; echo $HOME $USER").split() == ["grace", "/home/grace", "/home/grace", "grace"]
    assert ssh.out("findmnt --noheadings --output SOURCE /home/jupyter") == "/dev/sdb"
    assert ssh.out("test -w /home/jupyter && echo writable; stat -c %a /home/jupyter") == "writable\n777"
    assert ssh.out("ls -A /tmp") == ""
    # Its own agent is the only one of those that run here.
    assert [line.split()[-1] for line in ssh.out("ps ax").splitlines() if "python" in line] in (
        [],
        ["/home/.machine/run/agent/agent.py"],
    )


def test_exit_codes_output_and_input_come_through(ssh: Ssh) -> None:
    done = ssh.run("cat; echo err >&2; exit 7", sent=b"hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"hello\n", b"err\n")
    assert ssh.run("kill -TERM $$").returncode == 255
    assert ssh.out("sudo chmod a+w /home/jupyter && sudo whoami") == "grace"


def test_large_transfers_arrive_whole_in_both_directions(ssh: Ssh) -> None:
    there = ssh.run("sha256sum", sent=(data := os.urandom(MEGABYTES * 2**20)))
    assert there.stdout.decode().split()[0] == hashlib.sha256(data).hexdigest()
    back = ssh.run(f"head -c {MEGABYTES}M /dev/zero")
    assert len(back.stdout) == MEGABYTES * 2**20


def test_files_are_copied_with_scp_in_both_its_protocols(ssh: Ssh, folder: Path) -> None:
    sent = folder / "sent"
    sent.write_bytes(os.urandom(300_000))
    for number, protocol in enumerate(("-s", "-O")):
        ssh.copy(sent, f"HOST:/home/jupyter/copied-{number}", protocol)
        ssh.copy(f"HOST:/home/jupyter/copied-{number}", folder / f"back-{number}", protocol)
        assert (folder / f"back-{number}").read_bytes() == sent.read_bytes()
    ssh.copy(sent, "HOST:in-my-home")
    assert ssh.out("stat -c %s /home/grace/in-my-home; ls /home/jupyter").split() == ["300000", "copied-0", "copied-1"]


def test_sftp_sees_the_machines_files_and_follows_its_links(ssh: Ssh, folder: Path) -> None:
    ssh.out("ln -sfn /home/jupyter ~/data; echo linked > /home/jupyter/linked; echo tmp > /tmp/in-tmp")
    batch = folder / "batch"
    batch.write_text(
        "pwd\nget data/linked got\nget /tmp/in-tmp tmp\nls -1 /home\nls -l data\nmkdir made\nln -s /home/x y\n"
    )
    argv = ["sftp", *ssh.options, "-P", "2222", "-b", str(batch), ssh.login]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Remote working directory: /home/grace" in done.stdout
    assert "/home/jupyter" in done.stdout
    assert ((folder / "got").read_text(), (folder / "tmp").read_text()) == ("linked\n", "tmp\n")
    assert ssh.out("readlink ~/y; test -d ~/made && echo made") == "/home/x\nmade"


def output_until(terminal: int, text: bytes) -> bytes:
    """The terminal's output from now on, up to this text."""
    seen = bytearray()

    def has_come() -> bool:
        with suppress(OSError):
            seen.extend(os.read(terminal, 65536))
        return text in seen

    until(has_come)
    return bytes(seen)


def test_a_terminal_is_a_terminal_and_follows_its_size(ssh: Ssh) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shell = subprocess.Popen(ssh.command(options=["-tt"]), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    output, write = partial(output_until, ours), partial(os.write, ours)

    try:
        output(b"grace@grace-box")
        write(b"tty; ps -o tty= -p $$; echo by''now; cat\n")
        assert b"/dev/pts/" in output(b"bynow")
        # An interrupt is for whoever reads: cat has begun once it gives back what the terminal has shown already.
        write(b"twice\n")
        output(b"twice\r\ntwice\r\n")
        write(b"\x03")
        output(b"grace@grace-box")
        subprocess.run(["stty", "rows", "33", "cols", "99"], stdin=ours, check=True)
        shell.send_signal(signal.SIGWINCH)
        write(b"until [ \"$(stty size)\" = '33 99' ]; do sleep 0.02; done; echo re''sized\n")
        output(b"resized")
        write(b"exit 5\n")
        output(b"closed")
        assert shell.wait(10) == 5
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def test_only_the_keys_of_that_very_user_open_the_machine(ssh: Ssh, folder: Path) -> None:
    stranger = make_key(folder / "stranger")
    for who in (replace(ssh, key=stranger), replace(ssh, user="root"), replace(ssh, user="linus")):
        done = who.run("true")
        assert done.returncode == 255
        assert b"Permission denied (publickey)" in done.stderr


def test_keys_change_while_the_machine_runs(world: World, key: Key, folder: Path) -> None:
    first, second = make_key(folder / "first"), make_key(folder / "second")
    instance = world.instance(metadata=ssh_keys(f"ada:{first.public}"))
    old = replace(log_in(world, instance, first, folder), user="ada")
    new = replace(old, key=second)
    assert (old.run("true").returncode, new.run("true").returncode) == (0, 255)
    state = world.read("google_compute_instance", instance)
    lines = ssh_keys(f"ada:{second.public}", f"linus:{key.public}", "nonsense", "ada:not a key")
    world.update("google_compute_instance", instance, {**state, "metadata": lines})
    assert (old.run("true").returncode, new.out("whoami")) == (255, "ada")
    assert replace(new, user="linus", key=key).out("pwd") == "/home/linus"


def test_os_login_makes_the_metadatas_keys_worthless(world: World, key: Key, folder: Path) -> None:
    instance = world.instance(metadata={**ssh_keys(f"grace:{key.public}"), "enable-oslogin": "TRUE"})
    assert log_in(world, instance, key, folder).run("true").returncode == 255


@contextmanager
def web_server(text: bytes) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_ports_are_forwarded_in_all_three_ways(ssh: Ssh) -> None:
    local, dynamic, remote = free_port(), free_port(), free_port()
    with web_server(b"served") as port:
        forwards = ["-N", f"-L{local}:127.0.0.1:{port}", f"-D{dynamic}", f"-R{remote}:127.0.0.1:{port}"]
        with subprocess.Popen(ssh.command(options=[*forwards, "-o", "ExitOnForwardFailure=yes"])) as tunnel:

            def fetched(*curl: str) -> str:
                argv = ["curl", "-s", "--max-time", "5", "--noproxy", "", *curl]
                return subprocess.run(argv, capture_output=True, text=True, check=False).stdout

            target = f"http://127.0.0.1:{port}/"
            assert until(lambda: fetched(f"http://127.0.0.1:{local}/")) == "served"
            assert until(lambda: fetched("--socks5", f"127.0.0.1:{dynamic}", target)) == "served"
            assert until(lambda: fetched(f"http://127.0.0.1:{remote}/")) == "served"
            tunnel.terminate()


def test_a_client_that_hangs_up_takes_its_command_along(ssh: Ssh) -> None:
    with subprocess.Popen(ssh.command("exec -a lonely sleep 1000"), stdin=subprocess.PIPE) as client:
        until(lambda: "lonely" in ssh.out("ps ax"))
        client.kill()
    until(lambda: "lonely" not in ssh.out("ps ax"))


def test_a_stopped_machine_ends_its_sessions_and_comes_back_with_its_files_and_key(
    world: World, key: Key, folder: Path
) -> None:
    _, address = world.address()
    instance = world.instance("stopper", nat_ip=address, metadata=ssh_keys(f"grace:{key.public}"))
    ssh = log_in(world, instance, key, folder)
    ssh.out("echo kept > ~/file; setsid -f sleep 1234 > /dev/null 2>&1")
    with subprocess.Popen(ssh.command("sleep 1000"), stderr=subprocess.PIPE) as session:
        until(lambda: "sleep 1000" in ssh.out("ps ax"))
        world.operation_done(world.rest(f"{instance}/stop", "POST"))
        assert session.wait(10) == 255
    refused_connection(ssh)
    until(lambda: not processes("sleep 1234"))
    world.operation_done(world.rest(f"{instance}/start", "POST"))
    until(lambda: ssh.run("true").returncode == 0)
    assert ssh.out("cat ~/file") == "kept"


def test_a_machine_without_a_startup_script_mounts_nothing(world: World, key: Key, folder: Path) -> None:
    instance = world.instance(metadata=ssh_keys(f"grace:{key.public}"))
    ssh = log_in(world, instance, key, folder)
    assert ssh.run("test -e /dev/disk/by-id/google-home").returncode == 1
    world.attach(instance, world.disk())
    until(lambda: ssh.run("test -e /dev/disk/by-id/google-home").returncode == 0)
    assert ssh.run("test", "-e", "/home/jupyter").returncode == 1


def test_no_other_machines_startup_script_is_run_on_this_computer(
    world: World, key: Key, folder: Path, tmp_path: Path
) -> None:
    metadata = ssh_keys(f"grace:{key.public}") | {"startup-script": f"#!/bin/sh\ntouch {tmp_path}/harm\n"}
    ssh = log_in(world, world.instance(metadata=metadata), key, folder)
    assert ssh.out("pwd") == "/home/grace"
    assert not (tmp_path / "harm").exists()


def test_a_disk_that_is_attached_while_the_machine_waits_is_mounted_and_gone_once_detached(
    world: World, key: Key, folder: Path
) -> None:
    instance = world.workstation("waits", key.public, "", attached_disk=[])
    disk = world.disk("comes-late")
    ssh = log_in(world, instance, key, folder)
    attachment = world.attach(instance, disk)
    ssh = replace(ssh, host_key=world.boot_report(instance)["hostkeys-ssh-ed25519"])
    ssh.out("echo kept > /home/jupyter/comes-late")
    world.delete("google_compute_attached_disk", attachment)
    until(lambda: ssh.run("test", "-e", "/home/jupyter").returncode == 1)
    (kept,) = world.emulator.data_dir.rglob("comes-late")
    world.delete("google_compute_disk", disk)
    until(lambda: not kept.exists())


def test_a_gpu_machine_names_its_gpu(world: World, key: Key, folder: Path) -> None:
    instance = world.instance(machine_type="g2-standard-24", metadata=ssh_keys(f"grace:{key.public}"))
    assert log_in(world, instance, key, folder).out("nvidia-smi -L").splitlines() == [
        "GPU 0: nvidia-l4 (emulated)",
        "GPU 1: nvidia-l4 (emulated)",
    ]


def refused_connection(ssh: Ssh) -> None:
    until(lambda: b"Connection refused" in ssh.run("true").stderr)


def processes(command: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
        if line == command:
            found.append(entry.name)
    return found
