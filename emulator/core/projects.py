"""Project IDs, and the project numbers that Google uses in responses."""

import hashlib


def project_number(project: str) -> str:
    """The number of a project: twelve digits that depend only on its ID."""
    digest = hashlib.sha256(project.encode()).digest()
    return str(100_000_000_000 + int.from_bytes(digest[:8]) % 900_000_000_000)


def with_project_id(name: str, project: str) -> str:
    """`projects/NUMBER/…` as `projects/ID/…`, since Google accepts both."""
    number = f"projects/{project_number(project)}/"
    return f"projects/{project}/{name.removeprefix(number)}" if name.startswith(number) else name


def with_project_number(name: str) -> str:
    """`projects/ID/…` as `projects/NUMBER/…`, as Secret Manager names resources in responses."""
    _, project, rest = name.split("/", 2)
    return f"projects/{project_number(project)}/{rest}"
