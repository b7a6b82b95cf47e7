"""Reads a terraform.tfvars file without Terraform. Each value has its line number for messages."""

from dataclasses import dataclass
from typing import Any

Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Problem:
    """An error in a file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Located:
    """A value with its line number. Lists and objects contain more of these."""

    value: "Plain | list[Located] | dict[str, Located]"
    line: int


class _NotPlainError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


def read(text: str, file: str) -> tuple[dict[str, Located], list[Problem]]:
    """The variables by name, and the errors. A file that cannot be parsed results in one error."""
    # Imported late: creating the parser takes a second, and only this function needs it.
    import hcl2
    from hcl2.rules.base import AttributeRule
    from lark.exceptions import LarkError, UnexpectedInput

    try:
        body = hcl2.parses(text).body
    except UnexpectedInput as error:
        line = max(1, min(error.line, text.count("\n") + 1))
        return {}, [Problem(file, line, "Terraform could not read this: a bracket, quote or value is missing.")]
    except LarkError:
        return {}, [Problem(file, 1, "This is not a file of Terraform variables.")]
    found: dict[str, Located] = {}
    problems: list[Problem] = []
    for part in body.children:
        if isinstance(part, AttributeRule):
            name, line = str(part.identifier.serialize()), _line(part)
            try:
                value = _located(part.expression)
            except _NotPlainError as error:
                problems.append(Problem(file, error.line, error.text))
                continue
            if name in found:
                problems.append(Problem(file, line, f"{name} is defined twice."))
            found[name] = Located(value.value, line)
        elif part is not None and part.lark_name() == "block":
            problems.append(Problem(file, _line(part), "A file of variables cannot contain blocks."))
    return found, problems


def _line(rule: Any) -> int:
    return int(rule._meta.line)


def _located(rule: Any) -> Located:
    """The value of an expression. Raises _NotPlainError for computed values, which Terraform does not accept here
    either."""
    from hcl2.rules import containers, expressions, literal_rules, strings

    line = _line(rule)
    while isinstance(rule, expressions.ExprTermRule):
        rule = rule.expression
    if isinstance(rule, containers.TupleRule):
        return Located([_located(element) for element in rule.elements], line)
    if isinstance(rule, containers.ObjectRule):
        return Located(_object(rule), line)
    plain = (
        *(literal_rules.IntLitRule, literal_rules.FloatLitRule, literal_rules.LiteralValueRule),
        *(strings.StringRule, strings.HeredocTemplateRule, strings.HeredocTrimTemplateRule, expressions.UnaryOpRule),
    )
    if not isinstance(rule, plain):
        raise _NotPlainError(
            line, "Expressions are not allowed. Use a string in quotes, a number, true, false or null."
        )
    return Located(_plain(rule, line), line)


def _object(rule: Any) -> dict[str, Located]:
    found: dict[str, Located] = {}
    for element in rule.elements:
        line = _line(element)
        key = _plain(getattr(element.key, "value", element.key), line)
        if str(key) in found:
            raise _NotPlainError(line, f"{key} is defined twice.")
        found[str(key)] = Located(_located(element.expression).value, line)
    return found


def _plain(rule: Any, line: int) -> Plain:
    from hcl2.rules.strings import InterpolationRule
    from hcl2.utils import SerializationOptions
    from hcl2.walk import find_first

    if find_first(rule, InterpolationRule):
        raise _NotPlainError(line, "Expressions are not allowed. Use a string without ${…}.")
    value = rule.serialize(SerializationOptions(strip_string_quotes=True, preserve_heredocs=False))
    if isinstance(value, str):
        return value.replace("$${", "${").replace("%%{", "%{")
    if value is None or isinstance(value, bool | int | float):
        return value
    raise _NotPlainError(line, "Expressions are not allowed.")
