import re
import string

import asyncssh
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from app.errors import InvalidError, NotFoundError, UnavailableError
from app.models import Member, SshKey
from app.services.keys import key_pairs, ssh_keys
from app.services.people import members
from tests.database import dump
from tests.parts import SecretsInMemory, identity, make_settings
from tests.stage import By

pytestmark = pytest.mark.anyio
LINE = asyncssh.generate_private_key("ssh-ed25519", comment="x").export_public_key().decode()
OTHER = asyncssh.generate_private_key("ssh-ed25519", comment="y").export_public_key().decode()
SETTINGS = make_settings()


class BrokenSecrets(SecretsInMemory):
    """Secret Manager is not responding."""

    async def put(self, name: str, payload: bytes) -> None:
        raise UnavailableError("Secret Manager is not responding.")

    async def delete(self, name: str) -> None:
        raise UnavailableError("Secret Manager is not responding.")


async def test_a_pasted_key_is_kept_under_its_name_as_comment(session: AsyncSession, by: By, grace: Member) -> None:
    key = await ssh_keys.add(by(grace), "laptop", LINE)

    assert key.public_key == f"{LINE.rsplit(' ', 1)[0]} laptop"
    assert not key.has_private_half
    assert await ssh_keys.list_of(session, grace) == [key]


async def test_the_same_key_or_name_twice_is_said_at_its_field(by: By, grace: Member) -> None:
    await ssh_keys.add(by(grace), "laptop", LINE)

    with pytest.raises(InvalidError) as same_key:
        await ssh_keys.add(by(grace), "desktop", f"{LINE.strip()}-again")
    with pytest.raises(InvalidError) as same_name:
        await ssh_keys.add(by(grace), "laptop", OTHER)

    assert same_key.value.fields == {"public_key": "You already have this key, named laptop."}
    assert list(same_name.value.fields) == ["name"]


async def test_two_members_may_have_the_same_key_and_name(session: AsyncSession, by: By, grace: Member) -> None:
    linus = await members.sign_in(by(), identity("linus"))
    for member in (grace, linus):
        await ssh_keys.add(by(member), "laptop", LINE)

    assert await session.scalar(select(func.count(SshKey.id))) == 2


async def test_everything_that_does_not_fit_is_said_at_once_and_nothing_kept(
    session: AsyncSession, by: By, grace: Member
) -> None:
    with pytest.raises(InvalidError) as refused:
        await ssh_keys.add(by(grace), "../../.bashrc", "nonsense")

    assert set(refused.value.fields) == {"name", "public_key"}
    assert await ssh_keys.list_of(session, grace) == []


async def test_a_private_key_pasted_by_mistake_is_neither_kept_nor_logged(
    session: AsyncSession, by: By, grace: Member, database_url: str
) -> None:
    private = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with capture_logs() as logs, pytest.raises(InvalidError) as refused:
        await ssh_keys.add(by(grace), "laptop", private)
    await session.commit()

    body = private.splitlines()[2]
    assert body not in f"{logs}{refused.value}{refused.value.fields}{dump(database_url)}"


async def test_a_generated_pair_fits_together_and_its_private_half_is_only_in_secret_manager(
    session: AsyncSession,
    by: By,
    grace: Member,
    secrets: SecretsInMemory,
    database_url: str,
) -> None:
    with capture_logs() as logs:
        key = await ssh_keys.generate(by(grace), "laptop")
        private = await ssh_keys.private(by(grace), key)
    await session.commit()

    pair = asyncssh.import_private_key(private)
    assert pair.get_algorithm() == "ssh-ed25519"
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert (f"{pair.export_public_key().decode().strip()} laptop", pair.get_fingerprint()) == (
        key.public_key,
        key.fingerprint,
    )
    assert list(secrets.kept) == [f"COMPUTE-STATIONMASTER-GRACE-{key.id.upper()}-PRIVATE-KEY"]
    assert private.splitlines()[2] not in f"{logs}{dump(database_url)}"
    assert "PRIVATE KEY-----" not in dump(database_url)


async def test_there_is_no_row_without_its_secret(session: AsyncSession, by: By, grace: Member) -> None:
    with pytest.raises(UnavailableError):
        await ssh_keys.generate(by(grace, secrets=BrokenSecrets()), "laptop")

    assert await ssh_keys.list_of(session, grace) == []


async def test_deleting_a_pair_destroys_its_private_half_first(
    session: AsyncSession, by: By, grace: Member, secrets: SecretsInMemory
) -> None:
    key = await ssh_keys.generate(by(grace), "laptop")
    with pytest.raises(UnavailableError):
        await ssh_keys.delete(by(grace, secrets=BrokenSecrets()), key)
    assert await ssh_keys.list_of(session, grace) == [key]

    await ssh_keys.delete(by(grace), key)
    assert await ssh_keys.list_of(session, grace) == []
    assert secrets.kept == {}


async def test_a_pasted_key_has_no_private_half_to_read(by: By, grace: Member) -> None:
    key = await ssh_keys.add(by(grace), "laptop", LINE)

    with pytest.raises(NotFoundError):
        await ssh_keys.private(by(grace), key)


async def test_nobody_collects_keys_without_end(by: By, grace: Member, secrets: SecretsInMemory) -> None:
    for number in range(ssh_keys.MOST_A_MEMBER):
        await ssh_keys.generate(by(grace), f"key-{number}")

    with pytest.raises(InvalidError):
        await ssh_keys.generate(by(grace), "one-more")
    assert len(secrets.kept) == ssh_keys.MOST_A_MEMBER


@pytest.mark.parametrize("name", ["a", "laptop", "id_ed25519", "2026-laptop.home", "x" * 31])
def test_a_plain_name_is_fine(name: str) -> None:
    assert ssh_keys.check_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Laptop",
        "x" * 32,
        "-rf",
        ".ssh",
        "..",
        "a/b",
        "a b",
        "a\n",
        "a\x00",
        "é",
        "config",
        "known_hosts",
        "a.",
        "a.pub",
    ],
)
def test_a_name_that_is_no_safe_file_name_is_refused(name: str) -> None:
    assert ssh_keys.check_name(name)


@given(st.text(max_size=40) | st.from_regex(ssh_keys.NAME))
@example("a\n")
def test_every_name_that_is_taken_is_safe_in_a_shell_and_a_header(name: str) -> None:
    if ssh_keys.check_name(name) is None:
        assert set(name) <= set(string.ascii_lowercase + string.digits + "._-")
        assert name[0] not in ".-_"
        assert len(name) <= 31


@given(st.emails(), st.text(max_size=50))
def test_every_secret_name_is_one_that_secret_manager_takes(email: str, prefix: str) -> None:
    member = Member(email=email.lower())
    name = key_pairs.secret_name(SETTINGS.model_copy(update={"secret_prefix": prefix}), member, "bcdfghjkmn")

    assert re.fullmatch(r"COMPUTE-[A-Z0-9_-]+-BCDFGHJKMN-PRIVATE-KEY", name)
    assert len(name) <= 255
