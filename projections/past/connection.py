"""
A connection to a moment of the past: it answers each statement from rows folded for it.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

from projections.past.gathering import Gathered
from projections.past.needs import NEEDS, NEWEST, SHOWN, TIMELESS, Need
from projections.past.shadows import encoded, shadow, tables_of
from projections.reading.statements import Connection, Row, Statement

#: How much further than a page to look for what is on it, at first.
_AHEAD = 8
#: Where a page of posts has the post, and when it was published.
_POST, _PUBLISHED_AT = 0, 8


class NotOfThePast(Exception):
    """What this read asks for is not kept for the past."""


class PastConnection:
    """
    For one answer; one statement at a time.

    :param present: where statements run, and where the log's indexes are asked.
    """

    def __init__(self, present: Connection, gathered: Gathered) -> None:
        self._present = present
        self._gathered = gathered

    def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Awaitable[list[Row]]:
        """
        The rows that the statement would have answered then.

        :raises NotOfThePast: nobody has said what it needs.
        """
        if statement.name in TIMELESS:
            return self._present.fetch(statement, values)
        if statement.name in NEWEST:
            return self._newest(statement, values)
        return self._folded(statement, values)

    async def _folded(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        needs = NEEDS.get(statement.name)
        if needs is None:
            raise NotOfThePast(statement.name)
        for need in needs:
            await self._gathered.need(self._present, need, values)
        if "members" in tables_of(statement):
            await self._gathered.people()
        return await self._run(statement, values)

    async def _newest(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        """
        A page of posts. Whatever was published since the time that was looked back to is here, and
        nothing was published before it was recorded: so a page that ends later is whole.
        """
        for need in SHOWN:
            await self._gathered.need(self._present, need, values)
        authors, viewer, count = values["authors"], values["viewer"], values["count"]
        ahead = count + _AHEAD
        while True:
            horizon = await self._gathered.newest(self._present, authors, viewer, ahead)
            rows = await self._run(statement, values)
            if horizon is None or (len(rows) == count and rows[-1][_PUBLISHED_AT] >= horizon):
                break
            ahead *= 4
        if not rows:
            return rows
        things = Need("things", ("posts",))
        page = {"posts": [row[_POST] for row in rows]}
        await self._gathered.need(self._present, things, page)
        return await self._run(statement, values)

    async def _run(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        rows = {
            f"rows_{table}": encoded(self._gathered.rows(table)) for table in tables_of(statement)
        }
        return await self._present.fetch(shadow(statement), {**values, **rows})
