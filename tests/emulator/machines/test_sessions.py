"""Sessions as people use them: terminals, login shells, the banner, agent forwarding, a reboot."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.emulator.machines.ssh import Key, Ssh, make_key
from tests.emulator.world import World, nat_ip, until


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("laptop") / "id_ed25519")


@pytest.fixture(scope="module")
def instance(world: World, key: Key) -> str:
    gpu = {"machine_type": "g2-standard-8"}
    return world.workstation("sessions", key.public, world.disk("sessions-home"), **gpu)


@pytest.fixture(scope="module")
def ssh(world: World, instance: str, key: Key) -> Ssh:
    host_key = world.boot_report(instance)["hostkeys-ssh-ed25519"]
    return Ssh(nat_ip(world.read("google_compute_instance", instance)), host_key, key, key.path.parent)


def in_terminal(ssh: Ssh, command: str) -> str:
    return ssh.out(command, options=["-tt"])


def typed(ssh: Ssh, *lines: str) -> str:
    """What a login shell in a terminal shows for these lines."""
    done = ssh.run(options=["-tt"], sent="\n".join([*lines, "exit"]).encode() + b"\n")
    return done.stdout.decode()


def test_a_terminal_is_one_of_the_machines_own(ssh: Ssh) -> None:
    assert re.fullmatch(r"/dev/pts/\d+", in_terminal(ssh, "tty"))
    assert in_terminal(ssh, 'test -c "$(tty)" && test -w "$(tty)" && echo there') == "there"


def test_script_makes_terminals(ssh: Ssh) -> None:
    assert re.fullmatch(r"/dev/pts/\d+", ssh.out("script --quiet --command tty /dev/null </dev/null"))


def test_a_tmux_session_outlives_the_connection_and_is_attached_again(ssh: Ssh) -> None:
    in_terminal(ssh, "tmux new-session -d -s work 'sleep 600'")
    command = ssh.command("tmux attach-session -t work", options=["-tt"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as attached:
        assert until(lambda: "(attached)" in ssh.out("tmux list-sessions"))
        ssh.out("tmux detach-client -s work")
        assert attached.wait(20) == 0
    assert ssh.out("tmux list-sessions").startswith("work: 1 windows")
    ssh.out("tmux kill-server")


@pytest.mark.parametrize("shell", ["bash -lc", "sudo -i", "sudo"])
def test_programs_of_the_machine_are_found_in_every_shell(ssh: Ssh, shell: str) -> None:
    run = f"{shell} 'nvidia-smi -L'" if shell == "bash -lc" else f"{shell} nvidia-smi -L"
    assert ssh.out(run) == "GPU 0: nvidia-l4 (emulated)"


def test_a_login_shell_finds_sudo_and_shows_the_banner(ssh: Ssh) -> None:
    shown = typed(ssh, "sudo nvidia-smi -L", "command -v sudo")
    assert "Data disk: /home/jupyter, " in shown
    assert "GPU 0: nvidia-l4 (emulated)" in shown
    assert "Data disk" not in in_terminal(ssh, "true")


def test_somebody_who_wants_no_banner_gets_none(ssh: Ssh) -> None:
    ssh.out("touch ~/.hushlogin")
    assert "Data disk" not in typed(ssh, "true")
    ssh.out("rm ~/.hushlogin")


def test_an_agent_is_forwarded(ssh: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.run(["ssh-agent", "-a", tmp_path / "agent"], capture_output=True, text=True, check=True)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    subprocess.run(["ssh-add", "-q", ssh.key.path], check=True)

    forwarded = ssh.run("ssh-add -L; stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK)", options=["-A"])
    refused = ssh.run('echo "$SSH_AUTH_SOCK"')
    subprocess.run(["kill", *re.findall(r"SSH_AGENT_PID=(\d+)", started.stdout)], check=True)

    assert forwarded.stdout.decode().splitlines() == [ssh.key.public, "600", "700"], forwarded.stderr
    assert refused.stdout == b"\n"


def test_sudo_reboot_ends_sessions_and_boots_again(ssh: Ssh, world: World, instance: str) -> None:
    began = world.boot_report(instance)["boot-stage"]
    ssh.out("touch ~/own; sudo sh -c 'echo x > /home/jupyter/note'")
    assert ssh.run("sudo reboot; sleep 60").returncode == 255
    assert until(lambda: world.boot_report(instance)["boot-stage"] > began)
    assert until(lambda: ssh.run("cat", "/home/jupyter/note", "own").stdout) == b"x\n"
    assert world.read("google_compute_instance", instance)["current_status"] == "RUNNING"
