"""Projects have an id that people use and a number that Google answers with."""

import hashlib


def project_number(project: str) -> str:
    """Always the same for an id; twelve digits, as Google's are."""
    digest = hashlib.sha256(project.encode()).digest()
    return str(100_000_000_000 + int.from_bytes(digest[:8]) % 900_000_000_000)


def with_project_id(name: str, project: str) -> str:
    """`projects/NUMBER/…` as `projects/ID/…`: Google takes either."""
    number = f"projects/{project_number(project)}/"
    return f"projects/{project}/{name.removeprefix(number)}" if name.startswith(number) else name


def with_project_number(name: str) -> str:
    """`projects/ID/…` as `projects/NUMBER/…`: how Secret Manager names resources in its answers."""
    _, project, rest = name.split("/", 2)
    return f"projects/{project_number(project)}/{rest}"
