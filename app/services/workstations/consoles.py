"""The serial consoles of machines: what they printed at a boot, or print now. Workers read them and keep them as
inspections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import live
from app.errors import ConflictError
from app.models import Inspection, MachineEvent, MachineEventKind, Workstation
from app.services import inspections
from app.services.context import Context
from app.services.terraform import state_versions
from app.services.terraform.scrub import Scrubber, secrets_of_settings, secrets_of_state

PREFIX = "console:"
MOST_LINES, MOST_BYTES = 200, 32 * 1024
"""So much of its end is kept."""
BOOTS_KEPT = 5
"""So many boots of a machine keep their console."""
BOOTS = [kind for kind in MachineEventKind if kind.is_boot]


@dataclass(frozen=True)
class Console:
    """The end of a machine's serial console, as it was at `read_at`."""

    read_at: datetime
    text: str
    """Its last lines: secrets are left out, and control characters are visible. Empty if Google did not return it."""
    problem: str | None
    """Why there is no text, as a sentence."""


def name_of(workstation_id: str, boot_id: str = "") -> str:
    """The name of the inspection: of a boot, or of what was read on demand."""
    return f"{PREFIX}{workstation_id}:{boot_id}"


def parts_of(name: str) -> tuple[str, str]:
    """The workstation's and the boot's ID of such a name; the latter is empty for what was read on demand."""
    workstation_id, _, boot_id = name.removeprefix(PREFIX).partition(":")
    return workstation_id, boot_id


async def request(session: AsyncSession, workstation_id: str, boot_id: str = "") -> None:
    """Have a worker read it."""
    await inspections.request(session, name_of(workstation_id, boot_id))
    await live.signal(session, live.stack_topic(workstation_id))


async def request_now(session: AsyncSession, workstation: Workstation) -> None:
    """Have a worker read it as it is now. Raises ConflictError if there is no machine."""
    if workstation.is_destroyed:
        raise ConflictError(f"{workstation.name} has no machine.")
    await request(session, workstation.id)


async def is_requested(session: AsyncSession, workstation_id: str, boot_id: str = "") -> bool:
    """Whether a worker is reading it, or is to."""
    return await inspections.is_requested(session, name_of(workstation_id, boot_id))


async def read(session: AsyncSession, workstation_id: str, boot_id: str = "") -> Console | None:
    """The console of a boot, or what was last read on demand; None if there is none (any more)."""
    kept = await inspections.read(session, name_of(workstation_id, boot_id))
    return Console(kept.taken_at, kept.content["text"], kept.content.get("problem")) if kept else None


async def read_of(session: AsyncSession, boot: MachineEvent | None) -> Console | None:
    """The console of this boot, if there is one."""
    return await read(session, boot.workstation_id, boot.id) if boot else None


async def keep(ctx: Context, name: str, output: str, problem: str | None = None) -> None:
    """Store what Google returned; only the newest boots keep theirs."""
    workstation_id, boot_id = parts_of(name)
    state = await state_versions.newest(ctx.session, ctx.vault, workstation_id)
    secrets = secrets_of_settings(ctx.settings) | (secrets_of_state(state) if state else set())
    text = last_lines(visible(Scrubber(secrets).clean(output)))
    await inspections.keep(ctx.session, name, {"text": text, "problem": problem}, ctx.now)
    if boot_id:
        kept = ["", *await newest_boots(ctx.session, workstation_id)]
        await forget(ctx.session, workstation_id, but=[name_of(workstation_id, each) for each in kept])
    await live.signal(ctx.session, live.stack_topic(workstation_id))


async def newest_boots(session: AsyncSession, workstation_id: str) -> list[str]:
    """The IDs of the boots that keep their console."""
    boots = select(MachineEvent.id).where(MachineEvent.workstation_id == workstation_id, MachineEvent.kind.in_(BOOTS))
    return list(await session.scalars(boots.order_by(MachineEvent.at.desc(), MachineEvent.id).limit(BOOTS_KEPT)))


async def forget(session: AsyncSession, workstation_id: str, but: Sequence[str] = ()) -> None:
    """Delete the consoles of a machine.

    :param but: the names of those that are kept.
    """
    of_this_machine = Inspection.name.startswith(name_of(workstation_id), autoescape=True)
    await session.execute(delete(Inspection).where(of_this_machine, Inspection.name.not_in(but)))


def visible(text: str) -> str:
    """The text with a visible sign for each control character; line ends become plain ones."""
    return "".join(map(_sign, text.replace("\r\n", "\n").replace("\r", "\n")))


def last_lines(text: str) -> str:
    """Its last MOST_LINES lines, cut to MOST_BYTES."""
    lines = "\n".join(text.rstrip("\n").split("\n")[-MOST_LINES:])
    # A character that the cut goes through is left out.
    return lines.encode()[-MOST_BYTES:].decode(errors="ignore")


def _sign(character: str) -> str:
    """As `cat -v` shows it: ^[ for an escape. What is no ASCII, such as what reverses text, gets its number."""
    if character.isprintable() or character in "\n\t":
        return character
    code = ord(character)
    return f"^{chr(code ^ 0x40)}" if code < 0x80 else f"\\u{code:04x}"
