"""
Under which account PostgreSQL runs, because it refuses to run as root.

A normal user's server runs as that user. Root's runs under an account that is already there and
may do nothing: none is created, and a cluster made by an unprivileged user is run as that user, so
that they can start it themselves tomorrow.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from adapters.embedded.errors import EmbeddedPostgresError

UNPRIVILEGED = ("nobody", "daemon", "postgres")


@dataclass(frozen=True, slots=True)
class Account:
    """Who PostgreSQL runs as; ``switched`` says that this is not who we are."""

    name: str
    uid: int
    gid: int
    switched: bool

    def give(self, path: Path) -> None:
        """Hand a file or directory that we made to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def may_enter(self, directory: Path) -> bool:
        """
        Whether the account can reach the inside of a directory.

        Asked of the kernel rather than computed from mode bits, which know nothing of access lists.
        """
        return not self.switched or self.runs("/bin/sh", "-c", 'test -x "$1"', "sh", str(directory))

    def runs(self, *command: str) -> bool:
        """Whether a command succeeds under the account."""
        try:
            return self._run(command).returncode == 0
        except (PermissionError, FileNotFoundError):
            return False
        except OSError as error:
            raise EmbeddedPostgresError(
                f"cannot run a program as the account {self.name!r}: {error.strerror}"
            ) from error

    def _run(self, command: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        if not self.switched:
            return subprocess.run(command, capture_output=True, check=False)
        return subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        )


def our_name() -> str:
    """Our own account's name, by which the server knows us over its socket."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"user id {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs;"
            " add one or set DATABASE_URL"
        ) from None


def choose_account(cluster: Path) -> Account:
    """The account for a cluster that is there, or is to be made, at ``cluster``."""
    uid = os.geteuid()
    if uid != 0:
        return _of_user(uid)
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            raise EmbeddedPostgresError(
                f"{cluster} belongs to user id {owner}, which has no entry in /etc/passwd"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
    return _of_nobody()


def _of_user(uid: int) -> Account:
    return Account(our_name(), uid, os.getegid(), switched=False)


def _of_nobody() -> Account:
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, switched=True)
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root and none of the accounts {', '.join(UNPRIVILEGED)}"
        " exists; run as another user or set DATABASE_URL"
    )
