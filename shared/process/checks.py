"""One question doctor asks of the world, and the plain words of an answer that is not well."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


class Trouble(Exception):
    """What is wrong, and how to mend it; both are sentences for an operator."""

    def __init__(self, wrong: str, fix: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Check:
    """`ask()` returns what was found, in words, or raises Trouble; it is not asked when one of `needs` is not well."""

    name: str
    ask: Callable[[], Awaitable[str]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to: `ok` is None when it was not asked; `fix` is empty unless something is wrong."""

    name: str
    ok: bool | None
    words: str
    fix: str = ""
