"""Runs the machines that are running according to the store."""

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING

from emulator.cloud.cloud import Cloud
from emulator.core.errors import not_ready
from emulator.core.ids import ATTACHMENT, DISK, INSTANCE, SNAPSHOT, instance_of_attachment
from emulator.core.settings import Settings
from emulator.core.store import CloudResource
from emulator.machines import troubles, workloads
from emulator.machines.disk_copies import DiskCopies
from emulator.machines.folders import MACHINE, fail_next_mount, prepare_boot_disk, remove, unused_folders, write_users
from emulator.machines.machine_spec import (
    MachineSpec,
    disk_folder,
    machine_path,
    machine_spec,
    public_keys_of,
    shutdown_script,
)
from emulator.machines.sandbox import NamespaceSandbox, PlainSandbox, Sandbox, SandboxError, usable_flags
from emulator.machines.serial_console import SerialConsole, boot_lines
from emulator.machines.startup import NAMESPACE, attributes_without_sandbox
from emulator.rules.firewall import SSH_PORT, allows

if TYPE_CHECKING:
    from emulator.machines.ssh_server import SshMachine

logger = logging.getLogger(__name__)
AGENTS_NAMESPACE = "hostkeys"
"""The namespace in which Google's agent publishes the first host keys that it sees."""
NO_NAMESPACES = (
    "This system does not let the emulator make namespaces (unshare --user --mount --uts --pid): machines have no "
    "/home/jupyter and no name of their own, and run no startup script. Logging in and copying files work."
)


class MachineManager:
    """Starts and stops machines. Every change makes it compare them with the store, so that the order of changes is
    irrelevant."""

    def __init__(self, cloud: Cloud, settings: Settings, server: tuple[str, int]) -> None:
        """:param server: the address of the emulator's HTTP server."""
        self._cloud = cloud
        self._settings = settings
        self._server = server
        self._disks = settings.data_dir / "disks"
        self._copies = DiskCopies(cloud.store, self._disks)
        self._machines: dict[str, SshMachine] = {}
        self._changed: set[str] = set()
        self._reconciling: dict[str, asyncio.Task[None]] = {}
        self._removals: set[asyncio.Task[None]] = set()
        self._flags: tuple[str, ...] | None = None

    async def open(self) -> None:
        """Start the machines that were running when the emulator stopped, without a new boot."""
        self._disks.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._flags = await usable_flags()
        if self._flags is None:
            logger.warning(NO_NAMESPACES)
        self._cloud.listeners.append(self.changed)
        for instance in self._cloud.store.all(INSTANCE):
            self.changed(instance)
        self._remove_unused_disks()

    async def close(self) -> None:
        self._cloud.listeners.remove(self.changed)
        tasks = [*self._reconciling.values(), *self._removals]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(machine.stop() for machine in self._machines.values()), return_exceptions=True)

    def changed(self, resource: CloudResource) -> None:
        if resource.type == INSTANCE:
            self._reconcile_soon(resource.id)
        elif resource.type == ATTACHMENT:
            self._reconcile_soon(instance_of_attachment(resource.id))
        elif resource.type in (DISK, SNAPSHOT):
            self._copies.begin(resource)
            self._remove_unused_disks()
            for instance_id, machine in self._machines.items():
                # It may have been made larger.
                if machine.home_disk == resource.number:
                    self._reconcile_soon(instance_id)

    async def trouble(self, instance_id: str, trouble: str, percent: int) -> None:
        """Let something go wrong in a machine; nothing happens in one that does not run."""
        machine = self._machines.get(instance_id)
        if machine is None:
            return
        boot_disk = disk_folder(self._disks, machine.spec.boot_disk)
        data_disk = None if machine.home_disk is None else disk_folder(self._disks, machine.home_disk)
        if said := troubles.happen(trouble, boot_disk / MACHINE, data_disk, percent):
            SerialConsole(boot_disk).write(f"[  812.401187] {said}\n")
        await machine.tell()

    async def work(self, instance_id: str, name: str) -> None:
        """Have a machine do something; nothing happens in one that does not run."""
        machine = self._machines.get(instance_id)
        if machine is None:
            return
        await machine.work(name)
        if name == workloads.LIE:
            self._publish(machine.spec, {f"{NAMESPACE}/activity": workloads.NONSENSE})

    def serial_console(self, instance: CloudResource) -> SerialConsole:
        """Of a machine that runs. Raises CloudError for any other one, as Google does."""
        spec = machine_spec(self._cloud.store, instance)
        if spec is None:
            raise not_ready(instance.id)
        return SerialConsole(disk_folder(self._disks, spec.boot_disk))

    def reboot(self, instance_id: str) -> None:
        """Boot the machine again, as somebody in it asks."""
        instance = self._cloud.find(INSTANCE, instance_id)
        instance.cloud["boots"] += 1
        self._cloud.store.put(instance)
        self.changed(instance)

    def reload_host_keys(self, instance_id: str) -> None:
        """Have the machine's SSH server load the keys in its folder."""
        if machine := self._machines.get(instance_id):
            machine.reload_host_keys()

    def _reconcile_soon(self, instance_id: str) -> None:
        self._changed.add(instance_id)
        if instance_id not in self._reconciling:
            task = asyncio.create_task(self._reconcile(instance_id))
            self._reconciling[instance_id] = task
            task.add_done_callback(lambda _: self._reconciled(instance_id))

    async def _reconcile(self, instance_id: str) -> None:
        while instance_id in self._changed:
            self._changed.discard(instance_id)
            try:
                await self._apply(instance_id)
            except (OSError, SandboxError) as error:
                # For example, its port is in use. For Google the machine is running; it just cannot be reached.
                logger.warning("%s cannot be reached by SSH (EMULATOR_SSH_PORT): %s", instance_id, error)

    def _reconciled(self, instance_id: str) -> None:
        task = self._reconciling.pop(instance_id)
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s has failed", instance_id, exc_info=error)
        if instance_id in self._changed and not task.cancelled():
            # It has changed since the task's last check.
            self._reconcile_soon(instance_id)
        self._remove_unused_disks()

    async def _apply(self, instance_id: str) -> None:
        desired, machine = self._desired(instance_id), self._machines.get(instance_id)
        if machine and (desired is None or desired.needs_reboot(machine.spec)):
            del self._machines[instance_id]
            try:
                await machine.shut_down(shutdown_script(self._cloud.store.get(INSTANCE, instance_id)))
            finally:
                await machine.stop()
            machine = None
        if desired and machine is None:
            machine = await self._boot(desired)
        # The store may have changed during the boot, in which case this is called again.
        desired = self._desired(instance_id)
        if machine and desired:
            write_users(disk_folder(self._disks, desired.boot_disk), self._users(instance_id))
            await self._attach(machine, desired)

    async def _attach(self, machine: "SshMachine", spec: MachineSpec) -> None:
        for number in (spec.home_disk, *(number for number, _ in spec.other_disks.values())):
            if number is not None:
                await self._copies.done(number)
        if await machine.attach(spec):
            await machine.tell()

    async def _boot(self, spec: MachineSpec) -> "SshMachine":
        # Imported late, because it takes most of a second.
        importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, f"{__package__}.ssh_server"))
        is_new_boot = not self._has_booted(spec)
        if is_new_boot:
            await self._cloud.latency.wait("boot", INSTANCE)
        module = await importing
        folder = disk_folder(self._disks, spec.boot_disk)
        prepare_boot_disk(folder, self._users(spec.id), (spec.gpu, spec.gpus), spec.boot_size_gb, spec.memory_gb)
        if is_new_boot:
            SerialConsole(folder).write(boot_lines(spec))
        sandbox = await self._sandbox(spec)
        machine: SshMachine = module.SshMachine(
            spec, self._disks, sandbox, lambda: self._users(spec.id), lambda client: self._allows(spec.id, client)
        )
        try:
            await self._attach(machine, spec)
            await machine.listen(*self._listening_address(spec.address))
            self._machines[spec.id] = machine
            self._publish(spec, {f"{AGENTS_NAMESPACE}/{name}": key for name, key in machine.public_keys.items()})
            if spec.startup_script:
                await self._run_startup_script(machine, spec, is_new_boot=is_new_boot)
        except BaseException:
            self._machines.pop(spec.id, None)
            await machine.stop()
            raise
        return machine

    async def _run_startup_script(self, machine: "SshMachine", spec: MachineSpec, *, is_new_boot: bool) -> None:
        """Again after the emulator's own restart: what was mounted in the machine is not any more."""
        if not machine.sandbox.has_disks:
            self._publish(spec, attributes_without_sandbox(self._cloud.context.clock(), machine.public_keys))
            return
        fault = self._cloud.faults.inject("mount", INSTANCE, spec.id) if is_new_boot else None
        if fault:
            fail_next_mount(disk_folder(self._disks, spec.boot_disk), fault.message)
        host, port = self._server
        await machine.run_startup_script(spec.startup_script, f"{host} {port} {machine_path(spec.id)}")

    async def _sandbox(self, spec: MachineSpec) -> Sandbox:
        if self._flags is not None:
            sandbox = NamespaceSandbox(self._disks, spec.boot_disk, spec.name, self._flags)
            try:
                await sandbox.start()
            except SandboxError as error:
                logger.warning("%s has no namespaces: %s", spec.name, error)
            else:
                return sandbox
        return PlainSandbox(self._disks, spec.boot_disk)

    def _listening_address(self, address: str) -> tuple[str, int]:
        if self._settings.ssh_listen:
            return self._settings.ssh_listen, self._settings.ssh_base_port + int(address.rpartition(".")[2])
        return address, self._settings.ssh_port

    def _publish(self, spec: MachineSpec, attributes: dict[str, str]) -> None:
        instance = self._cloud.store.get(INSTANCE, spec.id)
        if instance is None:
            return
        instance.cloud["booted"] = spec.boots
        if spec.publishes_attributes:
            instance.cloud.setdefault("guest_attributes", {}).update(attributes)
        self._cloud.store.put(instance)

    def _has_booted(self, spec: MachineSpec) -> bool:
        instance = self._cloud.store.get(INSTANCE, spec.id)
        return instance is not None and instance.cloud.get("booted") == spec.boots

    def _desired(self, instance_id: str) -> MachineSpec | None:
        return machine_spec(self._cloud.store, self._cloud.store.get(INSTANCE, instance_id))

    def _allows(self, instance_id: str, client: str) -> bool:
        instance = self._cloud.store.get(INSTANCE, instance_id)
        machine = self._machines.get(instance_id)
        if machine and troubles.is_ssh_blocked(disk_folder(self._disks, machine.spec.boot_disk) / MACHINE):
            return False
        return instance is not None and allows(self._cloud.store, instance, client, SSH_PORT)

    def _users(self, instance_id: str) -> dict[str, list[str]]:
        return public_keys_of(self._cloud.store.get(INSTANCE, instance_id))

    def _remove_unused_disks(self) -> None:
        """Files go when their disk is gone and no machine uses them any more."""
        kept = {resource.number for type_ in (DISK, SNAPSHOT) for resource in self._cloud.store.all(type_)}
        for machine in self._machines.values():
            kept |= {machine.spec.boot_disk, machine.home_disk or 0, *machine.other_disks}
        # A machine that is starting or stopping may use folders that the store does not show.
        if not self._reconciling and (folders := unused_folders(self._disks, kept)):
            task = asyncio.create_task(asyncio.to_thread(remove, folders))
            self._removals.add(task)
            task.add_done_callback(self._removals.discard)
