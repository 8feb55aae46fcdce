"""
Any read as of a moment, for auditors: the same routes, over services that stand in the past.

``?as_of=`` names the moment, ``?viewer=`` whose screen is looked at. The log ends at the moment,
the clock stands at it, and read models are folded for the one answer; the route knows nothing of
it. What is sealed opens for a stated purpose alone, and that the past was looked at is recorded
first.
"""

import copy
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import msgspec

from api.disclosing import HIDDEN, look_back
from api.http.positions import parse_positions
from api.http.problems import NOT_YET, ProblemError, bad_parameter
from api.http.routes import Looked
from api.routes.audit import time_of
from api.services import MEMBERS, Ask, AuditLog, Caller, Reads, Services
from api.shown import Shown
from commands.ports import KeyVault
from domain.event import Event, Recorded, Refused
from domain.ids import StreamId, cell_of
from domain.sealed import KeyClass, Sealed
from projections.past.connection import NotOfThePast, PastConnection
from projections.past.gathering import Gathered, Source
from projections.reading.statements import Connection

T = TypeVar("T")

#: Whose reads may be of a moment.
ROLE: Final = "auditor"
_SECONDS_MAX: Final = 5.0
_INDEXES: Final = ("footprints", "ledger", "trail")
_NOT_KEPT: Final = "this operation answers of the present alone"


class Past(msgspec.Struct, frozen=True):
    """A moment: a position of every cell, and the time that clocks showed."""

    until: Mapping[int, int]
    time: datetime


async def travel(call: Ask[Any, Any], looked: Looked) -> None:
    """
    Have a call answered as of a moment, from what its viewer saw.

    :raises ProblemError: it names no moment, or one to come; or nobody whose screen it could be.
    """
    app = call.app
    past = await _moment(app, looked.as_of)
    try:
        await app.freshness.wait_for(dict(past.until), _SECONDS_MAX, _INDEXES)
    except TimeoutError:
        raise ProblemError(NOT_YET) from None
    staff = call.viewer
    about: tuple[StreamId, ...] = ()
    viewer = staff
    if MEMBERS[0] in (call.route.roles or ()):
        viewer = await _viewer(call, looked.viewer)
        about = (StreamId(viewer.id),)
    elif looked.viewer is not None:
        raise bad_parameter("viewer", "this is no screen of a member's")
    about += tuple(StreamId(one) for one in call.path.values() if isinstance(one, UUID))
    await look_back(call, looked.as_of, about)
    call.app = _services_at(app, past, call.purpose)
    call.look_as(viewer)


async def _moment(app: Services, as_of: str) -> Past:
    """
    Positions with every cell: one that is not named stands where it stood at the latest of those
    that are.
    """
    try:
        asked = time_of(as_of) if "T" in as_of else parse_positions(as_of)
    except ValueError as error:
        raise bad_parameter("as_of", str(error)) from None
    if isinstance(asked, datetime):
        if asked > app.clock.now():
            raise bad_parameter("as_of", "a time to come")
        return Past(await app.log.heads_at(asked), asked)
    heads = await app.log.heads()
    if any(position > heads.get(cell, -1) for cell, position in asked.items()):
        raise bad_parameter("as_of", "a position that nothing was recorded at yet")
    times = [
        one.recorded_at
        for cell, position in asked.items()
        for one in await app.log.read(cell, position - 1, 1, position)
    ]
    time = max(times, default=datetime.min.replace(tzinfo=UTC))
    return Past({**await app.log.heads_at(time), **asked}, time)


async def _viewer(call: Ask[Any, Any], named: int | None) -> Caller:
    """
    Whose screen it is: the member named, else the one whose page or thing the path names, else
    whoever has the caller's own number.
    """
    app = call.app
    if named is not None:
        return Caller(named, MEMBERS[0], await app.member(named))
    if "qq" in call.path:
        return Caller(call.qq(), MEMBERS[0], await app.member(call.qq()))
    for one in call.path.values():
        if isinstance(one, UUID) and 0 <= cell_of(one) < app.log.cells:
            for recorded in await app.log.read_stream(StreamId(one), until=1):
                return Caller(0, MEMBERS[0], recorded.owner)
    if call.path:
        raise Refused("not-found")
    member = await app.directory.find(call.viewer.qq)
    if member is None:
        raise bad_parameter("viewer", "name the member whose screen it is")
    return Caller(call.viewer.qq, MEMBERS[0], member)


def _services_at(app: Services, past: Past, purpose: str | None) -> Services:
    """The same services as they stood at a moment."""
    then = copy.copy(app)
    then.log = cast(AuditLog, _LogThen(app.log, past.until))
    then.clock = _ClockThen(past.time)
    then.vault = cast(KeyVault, _VaultThen(app.vault, purpose))
    then.shown = Shown(then.vault)
    then.freshness = _FreshThen()
    then.at_moment(_ReadsThen(app.past_reads, Gathered(cast(Source, app.log), past.until)))
    return then


class _ClockThen:
    def __init__(self, time: datetime) -> None:
        self._time = time

    def now(self) -> datetime:
        """The moment."""
        return self._time


class _FreshThen:
    async def wait_for(
        self, target: dict[int, int], seconds: float, models: Collection[str] | None = None
    ) -> None:
        """The past has all come."""


class _VaultThen:
    """Opens for a purpose, and says of all else that it is sealed."""

    def __init__(self, vault: KeyVault, purpose: str | None) -> None:
        self._vault = vault
        self._purpose = purpose

    def open(self, sealed: Sealed[str]) -> Any:
        """A text; that it is sealed, without a purpose or when its key was destroyed."""
        plain = None if self._purpose is None else self._vault.open(sealed)
        return HIDDEN if plain is None else plain

    async def seal(self, subject: UUID, key_class: KeyClass, plain: str) -> Sealed[str]:
        """As at present: what is recorded of a reading is sealed, too."""
        return await self._vault.seal(subject, key_class, plain)

    def destructions(self) -> int:
        """As at present."""
        return self._vault.destructions()

    def blind(self, namespace: str, value: str) -> bytes:
        """As at present."""
        return self._vault.blind(namespace, value)


class _LogThen:
    """The log, up to a moment. It takes no events."""

    def __init__(self, log: AuditLog, until: Mapping[int, int]) -> None:
        self._log = log
        self._until = until

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return self._log.cells

    async def read_stream(
        self, stream: StreamId, after: int = 0, until: int | None = None
    ) -> Sequence[Recorded]:
        """A stream's events up to the moment."""
        events = await self._log.read_stream(stream, after, until)
        return [one for one in events if one.position <= self._until.get(one.cell, 0)]

    async def read(
        self,
        cell: int,
        after: int,
        limit: int,
        until: int | None = None,
        types: Collection[type[Event]] | None = None,
        *,
        bytes_max: int | None = None,
    ) -> Sequence[Recorded]:
        """A cell's events up to the moment."""
        end = self._until.get(cell, 0)
        end = end if until is None else min(end, until)
        return await self._log.read(cell, after, limit, end, types, bytes_max=bytes_max)

    async def heads(self) -> Mapping[int, int]:
        """The moment's positions."""
        return self._until

    async def heads_at(self, moment: datetime) -> Mapping[int, int]:
        """A moment's positions, which are not after this one's."""
        found = await self._log.heads_at(moment)
        return {cell: min(position, self._until.get(cell, 0)) for cell, position in found.items()}


class _ReadsThen:
    """Runs reads over what one answer has gathered."""

    def __init__(self, reads: Reads, gathered: Gathered) -> None:
        self._reads = reads
        self._gathered = gathered

    async def run(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """``await read(connection, *arguments)``, on a connection to the past."""

        async def then(connection: Connection) -> T:
            return await read(PastConnection(connection, self._gathered), *arguments)

        try:
            return await self._reads.run(then)
        except NotOfThePast:
            raise bad_parameter("as_of", _NOT_KEPT) from None
