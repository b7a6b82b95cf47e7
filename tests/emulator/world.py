"""An emulated cloud, and shortcuts for what Terraform does in it."""

import itertools
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from tests.emulator_process import CallError, EmulatorProcess
from tests.terraform.machine import startup_script

PROJECT, ZONE, REGION = "pocket-project", "europe-west4-a", "europe-west4"
IN_ZONE = f"projects/{PROJECT}/zones/{ZONE}"
IN_REGION = f"projects/{PROJECT}/regions/{REGION}"
PATIENCE_S = 20.0
IMAGE = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
T = TypeVar("T")
_numbers = itertools.count(1)


class World:
    def __init__(self, emulator: EmulatorProcess) -> None:
        self.emulator = emulator

    def new_name(self, kind: str) -> str:
        return f"{kind}-{next(_numbers)}"

    def create(self, type_: str, id_: str, state: dict[str, Any], **write_only: str) -> dict[str, Any]:
        body = {"state": {"id": id_, **state}, "write_only": write_only}
        return dict(self.emulator.call("POST", f"/terraform/{type_}/{id_}", body)["state"])

    def update(self, type_: str, id_: str, state: dict[str, Any]) -> dict[str, Any]:
        return dict(self.emulator.call("PUT", f"/terraform/{type_}/{id_}", {"state": state})["state"])

    def read(self, type_: str, id_: str) -> dict[str, Any]:
        return dict(self.emulator.call("GET", f"/terraform/{type_}/{id_}")["state"])

    def delete(self, type_: str, id_: str) -> None:
        self.emulator.call("DELETE", f"/terraform/{type_}/{id_}")

    def data(self, type_: str, **config: str) -> dict[str, Any]:
        provider = {"project": PROJECT, "region": REGION, "zone": ZONE}
        return dict(self.emulator.call("POST", f"/terraform-data/{type_}", {"config": config, "provider": provider}))

    def disk(self, name: str = "", **state: Any) -> str:
        name = name or self.new_name("disk")
        id_ = f"{IN_ZONE}/disks/{name}"
        self.create("google_compute_disk", id_, {"name": name, "size": 20, "type": "pd-balanced", **state})
        return id_

    def address(self, name: str = "", **state: Any) -> tuple[str, str]:
        """Its id, and the address itself."""
        id_ = f"{IN_REGION}/addresses/{name or self.new_name('address')}"
        return id_, self.create("google_compute_address", id_, {"address_type": "EXTERNAL", **state})["address"]

    def instance(self, name: str = "", *, nat_ip: str = "", **state: Any) -> str:
        """Running, with a public address."""
        id_ = f"{IN_ZONE}/instances/{name or self.new_name('vm')}"
        self.create("google_compute_instance", id_, {**machine(nat_ip=nat_ip), **state})
        return id_

    def workstation(
        self, name: str, public_key: str, disk: str, stack: str = "", *, home_of: str = "", **state: Any
    ) -> str:
        """As the portal's Terraform makes one for grace: with its disk from the first boot on.

        :param home_of: whose home folder is kept on that disk.
        """
        metadata = {
            **machine()["metadata"],
            "ssh-keys": f"grace:{public_key}",
            "stationmaster-stack": stack or name,
            "startup-script": startup_script(),
            **({"stationmaster-home": home_of} if home_of else {}),
        }
        disks = [{"source": disk, "device_name": "home", "mode": "READ_WRITE"}]
        return self.instance(name, **{"metadata": metadata, "attached_disk": disks, **state})

    def boot_report(self, instance: str) -> dict[str, str]:
        """The guest attributes that the startup script wrote, once it has ended."""

        def ended() -> dict[str, str]:
            try:
                items = self.rest(f"{instance}/getGuestAttributes?queryPath=stationmaster/")["queryValue"]["items"]
            except CallError:
                return {}
            report = {item["key"]: item["value"] for item in items}
            return report if report.get("boot-stage", "").startswith(("ready ", "failed ")) else {}

        return until(ended)

    def attach(self, instance: str, disk: str, device_name: str = "home") -> str:
        id_ = f"{instance}/{disk.rpartition('/')[2]}"
        self.create(
            "google_compute_attached_disk", id_, {"instance": instance, "disk": disk, "device_name": device_name}
        )
        return id_

    def rest(self, path: str, method: str = "GET", body: object = None) -> Any:
        """A call to the Compute Engine API."""
        return self.emulator.call(method, f"/compute/v1/{path}", body)

    def operation_done(self, operation: dict[str, Any]) -> dict[str, Any]:
        done = self.rest(f"projects/{PROJECT}/zones/{ZONE}/operations/{operation['name']}/wait", "POST")
        return dict(done)

    def host_key(self, instance: str) -> str:
        """Once the machine has booted and published it."""

        def published() -> str:
            try:
                answer = self.rest(f"{instance}/getGuestAttributes?queryPath=hostkeys/")
            except CallError:
                return ""
            return str(answer["queryValue"]["items"][0]["value"])

        return until(published)


def machine(*, nat_ip: str = "", machine_type: str = "e2-standard-4", **metadata: str) -> dict[str, Any]:
    """An instance's state, as the provider sends it."""
    return {
        "machine_type": machine_type,
        "boot_disk": [{"initialize_params": [{"image": IMAGE, "size": 50}], "auto_delete": True}],
        "network_interface": [{"network": "default", "access_config": [{"nat_ip": nat_ip}]}],
        "metadata": {"enable-guest-attributes": "TRUE", "enable-oslogin": "FALSE", **metadata},
        "scheduling": [{"on_host_maintenance": "TERMINATE"}],
    }


def nat_ip(state: dict[str, Any]) -> str:
    return str(state["network_interface"][0]["access_config"][0]["nat_ip"])


def until(found: Callable[[], T], patience: float = PATIENCE_S) -> T:
    """What `found` gives once it is anything; fails after a generous while."""
    deadline = time.monotonic() + patience
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return value


def is_listening(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def refused(call: Callable[[], object]) -> dict[str, Any]:
    """The error that Terraform gets."""
    with pytest.raises(CallError) as caught:
        call()
    return {"status": caught.value.status, **caught.value.body["error"]}
