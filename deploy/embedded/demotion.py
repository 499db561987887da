"""Running PostgreSQL as somebody who is not root, because it refuses to run as root, without changing the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
# access(2), which PostgreSQL asks about its own programs, only heeds a capability when the set-uid fixup is off.
KEEPING = ("--securebits", "+no_setuid_fixup", "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override")


class CannotDemote(Exception):
    """We are root and there is no way to run PostgreSQL as somebody else."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who PostgreSQL runs as: `uid` None means as ourselves, `prefix` goes before every command."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def own(self, path: Path) -> None:
        """Hands a file or directory over to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def run(self, command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end as this account; its output is captured as text unless `options` say otherwise."""
        words = [*self.prefix, *map(str, command)]
        demoted: dict[str, object] = {}
        if self.uid is not None and not self.prefix:
            demoted = {"user": self.uid, "group": self.gid, "extra_groups": []}
        settings: dict[str, object] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
            "cwd": "/",
            **demoted,
            **options,
        }
        return subprocess.run(words, check=False, **settings)  # type: ignore[call-overload, no-any-return]  # settings are subprocess.run's own


def choose_account(places: Sequence[Path]) -> Account:
    """Ourselves, or when we are root an unprivileged account that can reach all `places` (programs and data).

    Directories closed to others (a clone under /root, a private temporary directory) are not opened up: the account then
    keeps the one capability that walks through them. Raises CannotDemote with what to do when that is not possible either.
    """
    if os.geteuid() != 0:
        return Account()
    entry = _existing_account()
    plain = Account(entry.pw_uid, entry.pw_gid)
    if _reaches(plain, places):
        return plain
    setpriv = shutil.which("setpriv")
    if setpriv is not None:
        words = (*KEEPING, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
        capable = Account(entry.pw_uid, entry.pw_gid, (setpriv, *words, "--"))
        if _reaches(capable, places):
            return capable
    raise CannotDemote(
        f"PostgreSQL refuses to run as root, and the account {entry.pw_name!r} may not enter {', '.join(map(str, places))}. "
        "Run this as an ordinary user, or put the project where others may enter (for example under /srv)."
    )


def _existing_account() -> pwd.struct_passwd:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotDemote("PostgreSQL refuses to run as root, and there is no account named postgres or nobody. Run this as an ordinary user.")


def _reaches(account: Account, places: Sequence[Path]) -> bool:
    return all(account.run(["test", "-x", place]).returncode == 0 for place in places)
