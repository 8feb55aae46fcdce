"""
The twins of the statements about erasures and legal holds; and holds made up for them.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.account import DIRECTORY_CELL
from domain.erasure import (
    CLASSES,
    ErasureEvent,
    LegalHoldPlaced,
    LegalHoldReleased,
    erasure_stream,
)
from domain.event import Recorded
from domain.ids import MemberId, mint
from domain.sealed import Sealed
from projections.legal_holds import LEGAL_HOLDS
from projections.timeline import TIMELINE
from tests.simulation.asking import Asked, Rows, pick, twin
from tests.simulation.tables import Tables


@twin("legal_holds")
def _holds(tables: Tables, asked: Asked) -> Rows:
    columns = ("classes", "placed_at", "member_cell", "position")
    found = [
        (key[1], *pick(row, columns))
        for key, row in tables.every(LEGAL_HOLDS).items()
        if key[0] == asked["cell"] and key[1] > asked["after"]
    ]
    return sorted(found)[: asked["count"]]


@twin("made_by_member")
def _made(tables: Tables, asked: Asked) -> Rows:
    found = [
        (key[2], *pick(row, ("kind", "about")))
        for key, row in tables.every(TIMELINE).items()
        if key[:2] == (asked["cell"], asked["member"]) and key[2] > asked["after"]
    ]
    return sorted(found)[: asked["count"]]


def holds(seed: int, head: int, count: int) -> Iterator[Recorded]:
    """
    So many holds on members of one cell, some of which are released.

    :param head: the last position of that cell.
    """
    chance = random.Random(f"{seed}/holds")
    words: Sealed[str] = Sealed(b"words")
    staff = MemberId(mint(0, DIRECTORY_CELL, 7))
    begin = datetime.fromisoformat("2026-01-01T12:00:00+00:00")

    def recorded(member: MemberId, version: int, event: ErasureEvent) -> Recorded:
        nonlocal head
        head += 1
        stream, at = erasure_stream(member), begin + timedelta(hours=head)
        return Recorded(
            DIRECTORY_CELL, head, stream, version, at, member, staff, staff, staff, None, event
        )

    for number in range(count):
        member = MemberId(mint(number, DIRECTORY_CELL, seed))
        classes = tuple(chance.sample(CLASSES, chance.randint(1, len(CLASSES))))
        yield recorded(member, 1, LegalHoldPlaced(member, classes, words, staff))
        if chance.random() < 0.3:
            yield recorded(member, 2, LegalHoldReleased(member, staff))
