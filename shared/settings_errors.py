"""Settings that cannot be used, said so that an operator can mend them: the variable, the rule and the fix; never the value."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

_RULES = {
    "missing": "is missing",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "string_pattern_mismatch": "has a form that is not allowed",
}


class SettingsError(Exception):
    """One line per variable: `problems` holds (variable, rule, fix) triples."""

    def __init__(self, problems: Sequence[tuple[str, str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{name} {rule}.\n  Set it to {fix}." for name, rule, fix in self.problems))


def explain(error: ValidationError, settings: type[BaseSettings], prefix: str) -> SettingsError:
    """The same errors in an operator's words."""
    details = error.errors(include_url=False, include_input=False)
    return SettingsError([_problem(one, settings, prefix) for one in details])


def _problem(one: ErrorDetails, settings: type[BaseSettings], prefix: str) -> tuple[str, str, str]:
    field = str(one["loc"][0]) if one["loc"] else ""
    known = settings.model_fields.get(field)
    fix = (known.description if known is not None else None) or "a value that keeps this rule"
    return f"{prefix}{field.upper()}", _rule(one), fix


def _rule(one: ErrorDetails) -> str:
    if one["type"] == "value_error":
        return one["msg"].removeprefix("Value error, ")
    spoken = one["msg"].replace("Input should", "must").replace("Value should", "must").replace("String should", "must")
    return _RULES.get(one["type"], spoken)
