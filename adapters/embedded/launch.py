"""
Become PostgreSQL: drop privileges, ask to be told of the parent's death, exec.

Run as a script between our process and the server, because none of this is safe between fork and
exec of a process with threads. The order matters: changing the user id clears the death signal, so
it is set last; and a parent that died before that is noticed by its id.

Arguments: parent's pid, user id, group id, death signal, program, its arguments. Standard library
only, and everything is imported before privileges go, as the account may not read our files.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process with the program named in the arguments."""
    parent, uid, gid, death_signal = (int(argument) for argument in arguments[:4])
    command = arguments[4:]
    libc = ctypes.CDLL(None, use_errno=True)
    # A shell starts background jobs with SIGINT ignored; a server must hear its stop signals.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o077)
    if os.geteuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the parent process is gone")
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as failure:
        sys.exit(f"cannot start {sys.argv[5]}: {failure}")
