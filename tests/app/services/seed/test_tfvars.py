"""A file of Terraform variables: what is read, with its lines, and what is wrong with it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.seed import tfvars
from app.services.seed.tfvars import Located


def plain(value: Any) -> Any:
    if isinstance(value, Located):
        return plain(value.value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    return {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "x"', "x"),
        (r'a = "x\"y\n"', 'x"y\n'),
        ('a = "$${z}"', "${z}"),
        ("a = -5", -5),
        ("a = 1.5", 1.5),
        ("a = true # of course", True),
        ("a = null", None),
        ("a = []", []),
        ("a = {}", {}),
        ('a = [1, "b",\n  { c = 2 }, // comma\n]', [1, "b", {"c": 2}]),
        ('a = { b = 1, "c d" : 2 }', {"b": 1, "c d": 2}),
        ('a = {\n  b = "x"\n  /* no comma */\n  c = "y"\n}', {"b": "x", "c": "y"}),
        ("a = <<EOT\nx\nEOT\n", "x"),
    ],
)
def test_a_value_is_read(text: str, value: object) -> None:
    found, problems = tfvars.read(text, "t")
    assert (plain(found), problems) == ({"a": value}, [])


def test_every_value_has_its_line() -> None:
    found, _ = tfvars.read('a = 1\n\nb = [\n  "x",\n  {\n    c = 2\n  },\n]\n', "t")
    assert (found["a"].line, found["b"].line) == (1, 3)
    things = found["b"].value
    assert isinstance(things, list)
    text, thing = things
    assert isinstance(thing.value, dict)
    assert (text.line, thing.line, thing.value["c"].line) == (4, 5, 6)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nb = var.x", 2, "not allowed"),
        ('a = "${b}"', 1, "without ${…}"),
        ("a = f(1)", 1, "not allowed"),
        ("a = 1\na = 2", 2, "defined twice"),
        ("a = {\n  b = 1\n  b = 2\n}", 3, "defined twice"),
        ('resource "x" "y" {}', 1, "block"),
        ("a = 1\nb = [1, 2", 2, "could not read"),
        ('a = "x', 1, "could not read"),
        ("PK\x03\x04", 1, "could not read"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    _, [problem] = tfvars.read(text, "terraform.tfvars")
    assert problem.line == line
    assert said in problem.text
    assert str(problem).startswith(f"terraform.tfvars:{line}: ")


# No braces: python-hcl2 reads an escaped ${ only where the brace is closed again, and no name in the seed has one.
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="{}")
TEXT = st.text(LETTERS, max_size=20)
MACHINES = st.lists(st.fixed_dictionaries({"machine_type": TEXT, "guest_accelerator": TEXT | st.none()}), max_size=4)


def as_hcl(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(as_hcl, value)) + "]"
    if isinstance(value, dict):
        return "{\n" + "\n".join(f"{as_hcl(name)} = {as_hcl(each)}" for name, each in value.items()) + "\n}"
    return json.dumps(value)


@settings(max_examples=60)
@given(st.dictionaries(TEXT, MACHINES, max_size=4))
def test_any_users_map_survives(users: dict[str, Any]) -> None:
    found, problems = tfvars.read(f"users = {as_hcl(users)}\n", "t")
    assert (problems, plain(found)) == ([], {"users": users})
