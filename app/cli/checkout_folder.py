"""The folder of a checkout, with everything that Terraform needs.

    DIR/checkout.json   which stack this is, and in which state it was
    DIR/environment     how Terraform reaches Google, if `stationmaster up` has variables for that
    DIR/modules/
    DIR/workstation/    the initialised root, its variables and the state

The files are copies, so that the folder survives an upgrade of the portal, and edits do not affect the portal.
"""

import hashlib
import json
import shlex
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import ConflictError, InvalidError
from app.services.by_hand.checkouts import CheckedOut
from app.services.terraform.state_versions import State

PRIVATE = 0o600
_CONFIGURATION = ("*.tf", "*.tf.json", "*.tfvars", "*.auto.tfvars.json")


@dataclass(frozen=True)
class Ticket:
    """The content of checkout.json."""

    run_id: str
    stack_id: str
    serial: int | None
    """The serial of the state at the checkout; None if there was none."""
    lineage: str | None
    needed_reconcile: bool
    files: dict[str, str]
    """The configuration files: path → SHA-256."""


class CheckoutFolder:
    """The folder of one checkout."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.work = self.path / "workstation"
        self._ticket = self.path / "checkout.json"
        self._environment = self.path / "environment"
        self._variables = self.work / "terraform.tfvars.json"
        self._state = self.work / "terraform.tfstate"

    def check_is_free(self) -> None:
        """Raise ConflictError if the folder exists and is not empty."""
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            raise ConflictError(f"{self.path} is not an empty folder.")

    def write(self, root: Path, taken: CheckedOut, environment: dict[str, str]) -> None:
        """Fill the folder, or leave it empty. Raises OSError.

        :param root: an initialised root, from `Roots.ready`.
        :param environment: the variables that Terraform needs to reach Google.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder may have existed with other permissions.
        self.path.chmod(0o700)
        try:
            self._copy_root(root)
            _write(self._variables, json.dumps(taken.run.inputs, indent=2))
            if taken.state is not None:
                _write(self._state, taken.state.raw.decode())
            if environment:
                exports = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))
                _write(self._environment, "".join(exports))
            _write(self._ticket, json.dumps(asdict(self._new_ticket(taken)), indent=2))
        except BaseException:
            self._empty()
            raise

    def _new_ticket(self, taken: CheckedOut) -> Ticket:
        return Ticket(
            run_id=taken.run.id,
            stack_id=taken.run.stack_id,
            serial=taken.state.serial if taken.state else None,
            lineage=taken.state.lineage if taken.state else None,
            needed_reconcile=taken.needed_reconcile,
            files=self._digests(),
        )

    def _copy_root(self, root: Path) -> None:
        shutil.copytree(root.parent / "modules", self.path / "modules", copy_function=_copy)
        shutil.copytree(root, self.work, copy_function=_copy, ignore=shutil.ignore_patterns(".terraform"))
        shutil.copytree(root / ".terraform", self.work / ".terraform", symlinks=True)
        for link in (self.work / ".terraform").rglob("*"):
            if link.is_symlink() and not link.readlink().is_absolute():
                # Relative links would lead nowhere from the copy.
                target = (root / link.relative_to(self.work)).resolve()
                link.unlink()
                link.symlink_to(target)

    def _empty(self) -> None:
        for each in self.path.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()

    def _digests(self) -> dict[str, str]:
        """Hashes of all configuration files, without the variables."""
        modules = (file for file in (self.path / "modules").rglob("*") if file.is_file())
        own = (file for pattern in _CONFIGURATION for file in self.work.glob(pattern))
        return {
            str(file.relative_to(self.path)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted({*modules, *own})
        }

    @property
    def has_environment(self) -> bool:
        """Whether Terraform needs variables from the environment file to reach Google."""
        return self._environment.exists()

    def ticket(self) -> Ticket:
        """The content of checkout.json. Raises InvalidError if this is not the folder of a checkout."""
        try:
            return Ticket(**json.loads(self._ticket.read_bytes()))
        except (OSError, ValueError, TypeError):
            raise InvalidError(f"{self.path} is not the folder of a checkout.") from None

    def check_is_complete(self, ticket: Ticket) -> None:
        """Raise ConflictError if Terraform is running, has left an unsaved state, or its configuration was changed."""
        if (self.work / ".terraform.tfstate.lock.info").exists():
            raise ConflictError(f"Terraform is running in {self.work}. Wait until it has finished.")
        if (self.work / "errored.tfstate").exists():
            raise ConflictError(
                "Terraform could not write its state and left errored.tfstate. "
                "Run `terraform state push errored.tfstate`, then remove the file."
            )
        # With its own configuration, the portal would undo what a changed one has created.
        if changed := sorted({name for name, _ in ticket.files.items() ^ self._digests().items()}):
            raise ConflictError(
                f"The configuration was changed ({', '.join(changed)}), which the portal would undo. "
                "Restore the files, then apply."
            )

    def state(self) -> State | None:
        """The current state; None if there is none. Raises InvalidError if it is incomplete."""
        try:
            return State(self._state.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise InvalidError(f"{self._state} is not a complete Terraform state.") from None

    def inputs(self) -> dict[str, Any]:
        """The variables. Raises InvalidError if they are not a JSON object."""
        try:
            inputs = json.loads(self._variables.read_bytes())
        except (OSError, ValueError):
            inputs = None
        if not isinstance(inputs, dict):
            raise InvalidError(f"{self._variables} is not a JSON object.")
        return inputs

    def remove_secrets(self) -> None:
        """Delete everything that contains secrets: states and their backups, variables, and the environment."""
        for file in (self._variables, self._environment, *self.work.glob("*.tfstate*")):
            file.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    file.touch(PRIVATE)
    file.write_text(text)


def _copy(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    Path(target).chmod(PRIVATE)
    return target
