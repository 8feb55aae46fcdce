"""
An operator's deeds at the terminal that the log is to know of: who does it, and what for.
"""

import asyncio
from pathlib import Path
from typing import TypeVar

from api.cli.disclosing import Reader, reader
from api.cli.failures import Failed
from api.services import staff_id
from api.wiring.aside import executor_beside
from api.wiring.store import Store
from commands.executor import Handler
from commands.work import Context
from domain.account import DIRECTORY_CELL

C = TypeVar("C")


def operator(qq: int | None, purpose: str | None) -> Reader:
    """
    Whoever does it, and what for.

    :raises Failed: one of them was not said.
    """
    who = reader(qq, purpose)
    if who is None:
        raise Failed("it takes --user and --purpose: who does it, and what for", 2)
    return who


def recorded(store: Store, keys: Path, who: Reader, handler: Handler[C], command: C) -> None:
    """Put a deed into the log, before it is done or when it was."""
    asyncio.run(_recorded(store, keys, who, handler, command))


async def _recorded(store: Store, keys: Path, who: Reader, handler: Handler[C], command: C) -> None:
    with executor_beside(store, keys) as executor:
        staff = staff_id(executor.vault, executor.log.cells, who.qq)
        id_ = executor.new_id(DIRECTORY_CELL)
        context = Context(
            actor=staff,
            cell=DIRECTORY_CELL,
            command=id_,
            correlation=id_,
            effective_at=executor.clock.now(),
        )
        await executor.execute(handler, command, context)
