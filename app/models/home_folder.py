"""Where the owner's home folder on a workstation is: on its boot disk, or kept on its data disk."""

from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from app.models.observed_machine import ObservedMachine


class HomePlace(StrEnum):
    """Where the home folder is, and what becomes of that at the machine's next start."""

    BOOT_DISK = "boot_disk"
    DATA_DISK = "data_disk"
    MOVES_TO_DATA_DISK = "moves_to_data_disk"
    RETURNS_TO_BOOT_DISK = "returns_to_boot_disk"
    FAILED = "failed"
    """It could not be kept on the data disk, and is on the boot disk."""


class HasHomeFolder(ObservedMachine):
    """A column and a rule of `Workstation`."""

    home_on_data_disk: Mapped[bool] = mapped_column(default=False)
    """Whether its owner chose to keep the home folder on the data disk; a machine follows when it next starts."""
    ssh_username: Mapped[str]
    """The account on the machine that its owner logs in to."""

    @property
    def home_place(self) -> HomePlace:
        """Where it is by the machine's report; of a machine that does not run, where it will be."""
        home = self.machine.home if self.is_running else None
        if not self.home_on_data_disk:
            return HomePlace.RETURNS_TO_BOOT_DISK if home and home.user else HomePlace.BOOT_DISK
        if not self.is_running or (home and home.user == self.ssh_username):
            return HomePlace.DATA_DISK
        return HomePlace.FAILED if home and home.trouble else HomePlace.MOVES_TO_DATA_DISK
