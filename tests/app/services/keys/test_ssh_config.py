"""ssh_compute_config and ssh_known_hosts, as OpenSSH reads them."""

from datetime import UTC, datetime

from app.models import SshKey, Workstation, WorkstationStatus
from app.services.keys import ssh_config

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def workstation(name: str, address: str | None, status: WorkstationStatus = WorkstationStatus.RUNNING) -> Workstation:
    keys = {"ssh-ed25519": "AAAAone", "ecdsa-sha2-nistp256": "AAAAtwo"}
    return Workstation(
        id="s1", name=name, address=address, status=status, host_keys=keys if address else {}, ssh_username="grace"
    )


def key(name: str, *, pasted: bool) -> SshKey:
    return SshKey(name=name, secret_name=None if pasted else "COMPUTE-X-GRACE-KEY-PRIVATE-KEY")


GENERATED = key("laptop", pasted=False)


def test_each_running_machine_is_a_host_and_no_other_is() -> None:
    machines = [
        workstation("dev-1", "127.70.1.2"),
        workstation("dev-2", None),
        workstation("dev-3", "127.70.1.4", WorkstationStatus.DESTROYING),
    ]
    config = ssh_config.compute_config(machines, [GENERATED], 22)
    assert [line for line in config.splitlines() if line.startswith("Host ")] == ["Host dev-1"]
    assert "    HostName 127.70.1.2\n    User grace\n    IdentityFile ~/.ssh/stationmaster/laptop\n" in config
    assert "    IdentitiesOnly yes\n" in config
    assert "    StrictHostKeyChecking yes\n" in config


def test_a_port_is_named_only_where_it_is_not_the_usual_one() -> None:
    machines = [workstation("dev-1", "127.70.1.2")]
    assert "Port" not in ssh_config.compute_config(machines, [GENERATED], 22)
    assert "    Port 2222\n" in ssh_config.compute_config(machines, [GENERATED], 2222)
    assert ssh_config.known_hosts(machines, 22).startswith("127.70.1.2 ecdsa-sha2-nistp256 AAAAtwo\n")
    assert ssh_config.known_hosts(machines, 2222).endswith("[127.70.1.2]:2222 ssh-ed25519 AAAAone\n")


def test_the_private_half_of_a_pasted_key_is_also_looked_for_where_openssh_keeps_it() -> None:
    assert ssh_config.identity_files([GENERATED]) == ["~/.ssh/stationmaster/laptop"]
    assert "~/.ssh/id_ed25519" in ssh_config.identity_files([GENERATED, key("office", pasted=True)])


def test_a_machine_that_is_not_up_is_in_no_known_hosts() -> None:
    assert ssh_config.known_hosts([workstation("dev-1", None)], 22) == ""
