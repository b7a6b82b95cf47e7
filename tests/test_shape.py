"""How large things may become: lines of a function and of a file, and what a function is given."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES_OF_FILE, MOST_LINES_OF_FUNCTION, MOST_PARAMETERS = 300, 40, 7
OPTIONS_OF_A_COMMAND = {"app/cli/adopt.py: disk"}
"""Typer reads a command's options from its parameters, one by one."""


def functions(file: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file.relative_to(ROOT)}: {node.name}", node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}]) + bool(given.vararg) + bool(given.kwarg)


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("folder", ["app", "emulator", "tests"])
def test_files_and_functions_stay_small(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    too_long = [
        str(file.relative_to(ROOT)) for file in files if len(file.read_text().splitlines()) > MOST_LINES_OF_FILE
    ]
    for file in files:
        for name, function in functions(file):
            if lines(function) > MOST_LINES_OF_FUNCTION:
                too_long.append(f"{name} has {lines(function)} lines")
            if parameters(function) > MOST_PARAMETERS and name not in OPTIONS_OF_A_COMMAND:
                too_long.append(f"{name} takes {parameters(function)} parameters")

    assert files
    assert too_long == []
