"""A pretend machine for the startup script: a folder with a disk, and stand-ins for what would touch a real one."""

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MODULE = REPOSITORY / "terraform/modules/compute"
STAND_IN = Path(__file__).with_name("stand_in.sh")
DISK_COMMANDS = ("blkid", "blockdev", "findmnt", "growpart", "mkfs.ext4", "mount", "resize2fs", "umount", "wipefs")
OTHER_COMMANDS = (
    *("chown", "curl", "df", "dmesg", "getent", "journalctl", "loginctl", "nvidia-smi", "sleep"),
    *("sudo", "systemctl", "systemd-run", "udevadm"),
)
ROOT_LINE = "UUID=root / ext4 defaults 0 1\n"
STACK = "k3x9q2"
PRESSURE = "some avg10=0.00 avg60=1.00 avg300=0.00 total=9\nfull avg10=0.00 avg60={} avg300=0.00 total=7\n"


def startup_script() -> str:
    """As metadata.tf joins it."""
    parts = [part.read_text() for part in sorted(MODULE.glob("startup*.sh"))]
    agent = {part.name: part.read_text() for part in sorted(MODULE.glob("agent*.py"))}
    writing = [f"cat >{name} <<'END OF FILE'\n{text}END OF FILE" for name, text in agent.items()]
    return "\n".join([*parts, "write_agent() {", *writing, "}", "main\n"])


class Machine:
    """A folder with a disk, an fstab and a mount point. `boot` runs the script once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.device = folder / "sdb"
        self.link = folder / "google-home"
        self.mount_point = folder / "home/jupyter"
        self.fstab = folder / "fstab"
        self.fstab.write_text(ROOT_LINE)
        self.ssh_folder = folder / "ssh"
        self.motd_folder = folder / "update-motd.d"
        self.programs_folder = folder / "programs"
        self.programs_folder.mkdir()
        self.telling = folder / "run/tell.sh"
        self.following = folder / "run/snapshots.sh"
        self.snapshots = self.mount_point / ".snapshots"
        self.home = folder / "homes/grace"
        """Grace's home folder on the boot disk. The stand-in for mount does not cover it."""
        self.kept_home = self.mount_point / ".home/grace"
        self.kept_keys = self.mount_point / ".stationmaster/ssh"
        (folder / "mounts").touch()
        (folder / "uuids").touch()
        (folder / "stack").write_text(STACK)
        (folder / "bash.bashrc").write_text("# Debian's\n")
        (folder / "ssh-keys").write_text("grace:ssh-ed25519 AAAA one\ngrace:ssh-ed25519 AAAB two\n")
        for name in ("bin", "attributes", "pci", "proc/pressure", "profile.d", "ssh", "update-motd.d"):
            (folder / name).mkdir(parents=True)
        (folder / "proc/meminfo").write_text("MemTotal:       16393220 kB\nMemAvailable:   12000000 kB\n")
        (folder / "proc/pressure/memory").write_text(PRESSURE.format("0.00"))
        self.count_kills(0)
        self.script = folder / "startup-script"
        self.script.write_text(startup_script())
        self.new_boot_disk()
        for command in (*DISK_COMMANDS, *OTHER_COMMANDS):
            (folder / "bin" / command).symlink_to(STAND_IN)

    def attach_disk(self, holds: str = "", content: bytes = b"") -> None:
        with self.device.open("wb") as device:
            device.write(content)
            device.truncate(8 * 1024 * 1024)
        self.hold(self.device, holds)
        self.link.symlink_to(self.device)

    def attach_partitioned_disk(self, first_partition_holds: str) -> None:
        self.attach_disk("dos")
        partition = self.folder / "sdb1"
        partition.touch()
        self.hold(partition, first_partition_holds)
        (self.folder / "google-home-part1").symlink_to(partition)

    def hold(self, device: Path, holds: str) -> None:
        if holds:
            Path(f"{device}.holds").write_text(f"{holds}\n")

    def choose_home_on_data_disk(self, *, uid: int | None = None) -> None:
        """Metadata says so, and the account exists."""
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".bashrc").write_text("# the image's\n")
        (self.home / ".ssh/authorized_keys").write_text("a key of today\n")
        (self.folder / "home-user").write_text("grace\n")
        number = os.getuid() if uid is None else uid
        (self.folder / "account").write_text(f"grace:x:{number}:{os.getgid()}::{self.home}:/bin/bash\n")

    def break_command(self, name: str) -> None:
        (self.folder / f"{name}.fails").touch()

    def new_boot_disk(self, *algorithms: str) -> None:
        """The machine is rebuilt: an image, or Google's agent, has made host keys at its first boot."""
        for key in self.ssh_folder.iterdir():
            key.unlink()
        for algorithm in algorithms or ("ed25519",):
            key = self.ssh_folder / f"ssh_host_{algorithm}_key"
            subprocess.run(["ssh-keygen", "-q", "-t", algorithm, "-N", "", "-f", key], check=True)

    def add_pci_device(self, vendor: str) -> None:
        (self.folder / "pci/0000:00:04.0").mkdir()
        (self.folder / "pci/0000:00:04.0/vendor").write_text(f"{vendor}\n")

    def count_kills(self, kills: int) -> None:
        """So many processes Linux has ended since the boot."""
        (self.folder / "proc/vmstat").write_text(f"nr_free_pages 9\noom_kill {kills}\noom_kill_other 7\n")

    def host_key(self, algorithm: str = "ed25519") -> str:
        """The public half of what sshd uses."""
        return (self.ssh_folder / f"ssh_host_{algorithm}_key.pub").read_text().split()[1]

    def told(self, key: str) -> str:
        """A guest attribute; empty where there is none."""
        file = self.folder / "attributes" / key
        return file.read_text().strip() if file.exists() else ""

    def boot(self) -> tuple[int, str]:
        """Exit code, and what the machine's log would show: both streams go there."""
        (self.folder / "calls").write_text("")
        return self.run(self.script)

    def tell_again(self) -> None:
        """What systemd does every minute."""
        code, said = self.run(self.telling)
        assert code == 0, said

    def open_snapshot(self, date: str, holds: str) -> Path:
        """A copy of the data disk is attached; returns its device."""
        device = self.folder / "sdc"
        device.touch()
        self.hold(device, holds)
        (self.folder / f"google-snapshot-{date}").symlink_to(device)
        return device

    def follow_snapshots(self) -> None:
        """One round of the loop that looks for snapshots."""
        # What would wait for the next round ends the loop.
        self.break_command("sleep")
        code, said = self.run(self.following)
        assert code == 0, said
        (self.folder / "sleep.fails").unlink()

    def run(self, script: Path) -> tuple[int, str]:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "STAND_IN": str(self.folder),
            "STATIONMASTER_DISK": str(self.link),
            "STATIONMASTER_DISK_LINKS": str(self.folder),
            "STATIONMASTER_FSTAB": str(self.fstab),
            "STATIONMASTER_MOUNT_POINT": str(self.mount_point),
            "STATIONMASTER_MOTD_FOLDER": str(self.motd_folder),
            "STATIONMASTER_PCI_DEVICES": str(self.folder / "pci"),
            "STATIONMASTER_PROC": str(self.folder / "proc"),
            "STATIONMASTER_PROFILE_FOLDER": str(self.folder / "profile.d"),
            "STATIONMASTER_BASHRC": str(self.folder / "bash.bashrc"),
            "STATIONMASTER_PROGRAMS_FOLDER": str(self.programs_folder),
            "STATIONMASTER_RUN_FOLDER": str(self.folder / "run"),
            "STATIONMASTER_SECONDS_TO_WAIT": "3",
            "STATIONMASTER_SSH_FOLDER": str(self.ssh_folder),
        }
        done = subprocess.run(
            ["bash", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout

    def log_in(self) -> str:
        """What pam_motd shows."""
        code, shown = self.run(self.motd_folder / "60-stationmaster")
        assert code == 0, shown
        return shown

    def restart(self) -> tuple[int, str]:
        (self.folder / "mounts").write_text("")
        return self.boot()

    def calls(self, command: str) -> list[str]:
        return [line for line in (self.folder / "calls").read_text().splitlines() if line.split()[0] == command]

    @property
    def mounted(self) -> list[str]:
        return (self.folder / "mounts").read_text().splitlines()
