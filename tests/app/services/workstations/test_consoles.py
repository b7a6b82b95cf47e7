"""Serial consoles: what is kept of them, and for how many boots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConflictError
from app.models import MachineEvent, MachineEventKind, Workstation
from app.services.workstations import consoles
from app.services.workstations.consoles import MOST_BYTES, MOST_LINES, last_lines, visible
from tests.stage import Stage

pytestmark = pytest.mark.anyio


def test_control_characters_are_made_visible() -> None:
    assert visible("a\r\nb\tc\x1b[0;32mOK\x1b[0m\x00\x7f\u202ed\u0085") == "a\nb\tc^[[0;32mOK^[[0m^@^?\\u202ed\\u0085"


@given(st.text())
def test_only_what_can_be_seen_remains(output: str) -> None:
    assert all(character.isprintable() or character in "\n\t" for character in visible(output))


@given(st.text(alphabet=st.sampled_from(["\n", "a", "é", "€", "😀"]), max_size=2000), st.integers(1, 40))
def test_the_end_is_kept_within_its_bounds(output: str, times: int) -> None:
    kept = last_lines(output * times)
    assert len(kept.encode()) <= MOST_BYTES
    assert len(kept.split("\n")) <= MOST_LINES
    assert (output * times).rstrip("\n").endswith(kept)


async def kept(stage: Stage, workstation_id: str, boot_id: str, output: str) -> None:
    async with stage.database.sessions.begin() as session:
        await consoles.keep(stage.context(session), consoles.name_of(workstation_id, boot_id), output)


async def test_secrets_are_left_out(stage: Stage) -> None:
    machine = await stage.make()
    await kept(stage, machine.id, "", f"the key is {stage.settings.oidc_client_secret}\r\n")
    async with stage.database.sessions() as session:
        console = await consoles.read(session, machine.id)
    assert console
    assert console.text == "the key is (secret)"


async def test_only_the_newest_boots_keep_theirs_and_another_machines_stay(stage: Stage) -> None:
    machine, other = await stage.make(), await stage.make("dev-2")
    async with stage.database.sessions.begin() as session:
        kind = MachineEventKind.BOOTED
        session.add(MachineEvent(id="boot-other", workstation_id=other.id, kind=kind, at=stage.clock()))
    await kept(stage, other.id, "boot-other", "other")
    await kept(stage, machine.id, "", "now")
    for number in range(7):
        async with stage.database.sessions.begin() as session:
            at = stage.clock.advance(minutes=1)
            session.add(MachineEvent(id=f"boot-{number}", workstation_id=machine.id, kind=kind, at=at))
        await kept(stage, machine.id, f"boot-{number}", f"boot {number}")
    async with stage.database.sessions() as session:
        found = [await consoles.read(session, machine.id, f"boot-{number}") for number in range(7)]
        assert [console and console.text for console in found] == [None, None, *(f"boot {n}" for n in range(2, 7))]
        assert await consoles.read(session, machine.id)
        assert await consoles.read(session, other.id, "boot-other")


async def test_a_deleted_machine_has_none_to_read(stage: Stage) -> None:
    machine = await stage.make()
    async with stage.database.sessions.begin() as session:
        row = await session.get_one(Workstation, machine.id)
        row.become_destroyed(stage.clock(), disk_kept=True)
        with pytest.raises(ConflictError, match="has no machine"):
            await consoles.request_now(session, row)
