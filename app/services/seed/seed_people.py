"""Reads people.csv, which has the email address of each user of the seed."""

import csv
import io
from dataclasses import dataclass

from app import addresses
from app.config import Settings
from app.services.seed.tfvars import Problem

COLUMNS = ("name", "email")


@dataclass(frozen=True)
class Person:
    """A row of the file."""

    name: str
    email: str
    line: int


def read(text: str, file: str, settings: Settings) -> tuple[dict[str, Person], list[Problem]]:
    """People by name, and the errors in the file."""
    # Spreadsheets write a byte order mark at the beginning.
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), skipinitialspace=True)
    people: dict[str, Person] = {}
    problems: list[Problem] = []
    try:
        heading = [cell.strip().lower() for cell in next(rows, [])]
        if not set(COLUMNS) <= set(heading):
            return {}, [Problem(file, 1, "The first line must be: name,email")]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            cells = dict(zip(heading, (cell.strip() for cell in row), strict=False))
            person = Person(cells.get("name", ""), cells.get("email", "").lower(), rows.line_num)
            if trouble := _trouble(person, people, settings):
                problems.append(Problem(file, person.line, trouble))
            # Invalid people count as well, so that machines that refer to them add no second error.
            people.setdefault(person.name, person)
    except csv.Error as error:
        problems.append(Problem(file, rows.line_num, f"This is not a CSV file: {error}."))
    return people, problems


def _trouble(person: Person, people: dict[str, Person], settings: Settings) -> str | None:
    if not person.name or not person.email:
        return "Every row needs a name and an email address."
    if person.name in people:
        return f"{person.name} is already in line {people[person.name].line}."
    same = next((other for other in people.values() if other.email == person.email), None)
    if same:
        return f"{person.email} already belongs to {same.name} (line {same.line})."
    if not addresses.is_address(person.email):
        return f"{person.email} is not an email address."
    if not settings.may_sign_in_by_rule(person.email):
        return f"{person.email} may not sign in: add it to STATIONMASTER_ALLOWED_EMAILS."
    return None
