"""
The server's settings, written anew at every start so that an upgrade of Homezone upgrades them.

What an operator wants otherwise goes into ``local.conf`` beside them, which is read last.
"""

import os
from pathlib import Path
from typing import Final

from adapters.embedded.account import our_name

SUPERUSER = "postgres"
PORT = 5432
"""Only names the socket's file: the server listens on no network."""

#: Of the memory there is, the part that PostgreSQL buffers pages in, and its bounds in MiB.
_BUFFERS_PART: Final = 16
_BUFFERS_MIN: Final = 128
_BUFFERS_MAX: Final = 1_024
_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

_HEAD = "# Written by Homezone at every start; changes are lost. Put yours into local.conf."
_MAP = "homezone"

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # An acknowledged command is on disk; nothing here may trade that for speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    # Queries are short: compiling one takes longer than running it.
    "jit": "off",
    # The build has neither lz4 nor zstd, and pglz costs more than the bytes it saves.
    "wal_compression": "off",
    # What `homezone backup` needs.
    "wal_level": "replica",
    "max_wal_senders": "4",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    # No text of a statement, no parameter and no row reaches the log. Errors are the client's to
    # report: their messages quote values ("invalid input syntax for ..."), their details quote
    # keys, and the detail of a crash quotes the statement; so none is written below LOG, and none
    # with a detail. A PANIC (a dead disk, a bug of PostgreSQL's) names its statement all the same:
    # that cannot be switched off.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_duration": "off",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
    "log_replication_commands": "off",
    "debug_print_parse": "off",
    "debug_print_plan": "off",
    "debug_print_rewritten": "off",
}


def postgresql_conf() -> str:
    """The configuration file."""
    settings = {**_SETTINGS, "shared_buffers": f"{buffers_mib(memory_bytes())}MB"}
    lines = (f"{name} = '{value}'" for name, value in settings.items())
    return "\n".join((_HEAD, *lines, "include_if_exists = 'local.conf'", ""))


def buffers_mib(memory: int) -> int:
    """
    What ``shared_buffers`` is on a machine with so many bytes of memory, which the API shares.

    The log is written once and read from its end, but found by random ids: once those indexes are
    larger than the buffers, a command costs reads and writes of pages on top.
    """
    return min(max(memory // _BUFFERS_PART >> 20, _BUFFERS_MIN), _BUFFERS_MAX)


def memory_bytes() -> int:
    """The memory this process may have: the machine's, or less where a control group says so."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _LIMITS:
        try:
            said = limit.read_text().strip()
        except OSError:
            continue
        if said.isdigit():
            found = min(found, int(said))
    return found


def pg_hba_conf() -> str:
    """
    Who may connect: over the socket only, and only whom the kernel says they are.

    No password exists, so none can leak.
    """
    return "\n".join(
        (
            _HEAD,
            f"local all         all peer map={_MAP}",
            f"local replication all peer map={_MAP}",
            "",
        )
    )


def pg_ident_conf() -> str:
    """Our account and root may be any role; the account that runs the server may be none."""
    names = sorted({our_name(), "root"})
    return "\n".join((_HEAD, *(f'{_MAP} "{name}" all' for name in names), ""))
