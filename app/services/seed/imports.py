"""The import of the seed: compares its files with what exists, and requests the rest."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ConflictError, InvalidError, RefusedError
from app.models import Member, Workstation, WorkstationStatus
from app.services import workstations
from app.services.context import Context
from app.services.keys import ssh_keys
from app.services.keys.key_pairs import KeyPair
from app.services.people import members
from app.services.seed import imports_shared, seed_people, tfvars
from app.services.seed.imports_shared import SharedPart
from app.services.seed.reader import Seed, SeedReader
from app.services.seed.seed_machines import Machine, Mapping
from app.services.seed.seed_people import Person
from app.services.seed.tfvars import Problem


@dataclass(frozen=True)
class Source:
    """The content of a file."""

    name: str
    text: str


@dataclass(frozen=True)
class DesiredWorkstation:
    """A workstation that the file describes."""

    email: str
    machine: Machine
    exists: bool
    """Whether the owner has a workstation of that name, so that none is requested."""


@dataclass(frozen=True)
class Import:
    """What an import of the files will do."""

    workstations: tuple[DesiredWorkstation, ...]
    shared: SharedPart
    notes: tuple[str, ...]

    @property
    def to_request(self) -> list[DesiredWorkstation]:
        """The workstations that do not exist yet."""
        return [desired for desired in self.workstations if not desired.exists]

    @property
    def changes_nothing(self) -> bool:
        """Whether everything exists or was requested already."""
        return not self.to_request and not self.shared.is_desired


class ImportRefusedError(InvalidError):
    """The files contain errors. Nothing was requested."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, sorted(problems, key=lambda problem: (problem.file, problem.line)))))
        self.problems = problems


async def prepare(ctx: Context, variables: Source, people: Source) -> Import:
    """What an import will do, without doing it. Raises ImportRefusedError with all errors in the files."""
    found, problems = tfvars.read(variables.text, variables.name)
    known, of_people = seed_people.read(people.text, people.name, ctx.settings)
    reader = SeedReader(variables.name)
    seed = reader.read(found)
    usernames = {name: Member(email=person.email).ssh_username for name, person in known.items()}
    mapping = Mapping(seed, usernames, ctx.catalog, ctx.settings)
    machines = mapping.machines()
    unknown = [
        Problem(seed.file, user.line, f"{user.name} is not in {people.name}.")
        for user in seed.users
        if user.name not in known
    ]
    problems += [*of_people, *reader.problems, *mapping.problems, *unknown]
    shared = await imports_shared.prepare(ctx, seed, problems)
    if problems:
        raise ImportRefusedError(problems)
    desired = [
        DesiredWorkstation(email, machine, machine.spec.name in await _names(ctx.session, email))
        for machine in machines
        for email in [known[machine.user].email]
    ]
    notes = [*seed.ignored, *mapping.skipped, *_not_used(seed, known), *shared.notes]
    return Import(tuple(desired), shared, tuple(notes))


def _not_used(seed: Seed, known: dict[str, Person]) -> list[str]:
    names = {user.name for user in seed.users}
    return [f"{name} has no machine in the file." for name in known if name not in names]


async def _names(session: AsyncSession, email: str) -> set[str]:
    query = select(Workstation.name).join(Member, Member.id == Workstation.owner_id)
    existing = Workstation.status != WorkstationStatus.DESTROYED
    return set(await session.scalars(query.where(Member.email == email, existing)))


async def first_pairs(ctx: Context, prepared: Import) -> dict[str, KeyPair]:
    """A key pair for each owner without a key, by email address. Commits the context's transaction."""
    owners = [await members.by_address(ctx, email) for email in sorted({each.email for each in prepared.to_request})]
    pairs = [(owner.email, await ssh_keys.first_pair(ctx, owner)) for owner in owners]
    return {email: pair for email, pair in pairs if pair}


async def submit(ctx: Context, prepared: Import, pairs: dict[str, KeyPair]) -> None:
    """Request everything in the caller's transaction. People who have not signed in yet become members.

    :param pairs: the result of `first_pairs`.
    """
    await imports_shared.submit(ctx, prepared.shared)
    owners = {desired.email: await members.by_address(ctx, desired.email) for desired in prepared.to_request}
    for desired in prepared.to_request:
        pair = pairs.get(desired.email)
        requested = await workstations.request(ctx, owners[desired.email], desired.machine.spec, pair=pair)
        # It was requested between the preview and now.
        if not requested.is_new:
            raise ConflictError(
                f"{desired.email} has meanwhile requested {desired.machine.spec.name}.", hint="Try again."
            )


async def importer(ctx: Context, email: str | None) -> Member:
    """The admin who imports: the one with this email address, the only one, or the first admin of the settings.

    Raises RefusedError.
    """
    admins = await members.admins(ctx)
    if email is None and len(admins) > 1:
        raise RefusedError(f"There are {len(admins)} admins. Name one with --as EMAIL.")
    address = email or (admins[0].email if admins else ctx.settings.first_admin)
    if not address:
        raise RefusedError("There is no admin yet. Set STATIONMASTER_FIRST_ADMIN.")
    member = await members.by_address(ctx, address)
    if not member.is_admin:
        raise RefusedError(f"{member.email} is not an admin.")
    return member
