"""
What a bundle proves: whether all of its range is there, and all that its filter asks for.

Whoever makes a bundle and whoever checks one go through the same records in the same order, and
come to the same account, which the manifest only repeats. Nothing is taken from it but the
question: from when, until when, and which events.
"""

import base64
import binascii
import hashlib
from typing import Final

import msgspec

from domain.evidence.bundles import (
    BadBundle,
    BundledEvent,
    SetName,
    key_ids,
    rule_set_published,
    rule_sets_named,
)
from domain.evidence.questions import TIME, Bound, Filter, Span
from domain.evidence.records import DigestRecord

#: Records beside a range: one at each end of each cell, and those of rule sets.
_BESIDE_MAX: Final = 100_000
#: A format, and the 16 bytes of a key's id.
_KEY: Final = slice(1, 17)


class Reckoned(msgspec.Struct, frozen=True):
    """
    What was there.

    :param cells: of the range, the first and the last position of each.
    :param idle_cells: that have events before and after the range, and none in it.
    :param open_cells: whose next event was not signed yet: that nothing is left out at their end
        is the word of whoever made the bundle.
    :param others: the types of the range's events that are not of the kind asked for.
    :param owner_unknown: no event shows which tag is the owner's.
    :param untagged: records of the range that do not tell whether they are the owner's.
    """

    records: int
    events: int
    rule_sets: int
    keys: frozenset[str]
    cells: dict[str, tuple[int, int]]
    idle_cells: tuple[int, ...]
    open_cells: tuple[int, ...]
    others: tuple[str, ...]
    owner_unknown: bool
    untagged: int


class _Stretch:
    """A cell's events of the range, so far."""

    __slots__ = ("first", "last", "recorded_at")

    def __init__(self, record: DigestRecord) -> None:
        self.first = self.last = record.position
        self.recorded_at = record.recorded_at


class Reckoning:
    """
    :raises BadBundle: the range is none.
    """

    def __init__(self, span: Span, wanted: Filter) -> None:
        try:
            span.check()
        except ValueError as error:
            raise BadBundle(str(error)) from None
        self._span, self._since, self._to = span, span.since, span.to
        self._wanted = wanted
        self._owner = None if wanted.owner is None else str(wanted.owner)
        self._stretches: dict[int, _Stretch] = {}
        self._beside: dict[int, dict[int, str]] = {}
        self._records = self._events = self._untagged = self._besides = 0
        self._keys: set[str] = set()
        self._others: set[str] = set()
        self._tags_in: set[str] = set()
        self._tags_out: set[str] = set()
        self._named: set[SetName] = set()
        self._published: set[SetName] = set()
        self._unasked: dict[SetName, str] = {}

    def may_want(self, record: DigestRecord) -> bool:
        """Whether its event belongs into the bundle, if it is the owner's."""
        return self._span.holds(record) and self._wanted.may_select(record)

    def take(self, record: DigestRecord, event: BundledEvent | None) -> bool:
        """
        The next record, and its event if that is there; whether that is asked for, and not there
        for the sake of others.

        :raises BadBundle: something is missing, or too much.
        """
        self._records += 1
        if not TIME.fullmatch(record.recorded_at):
            raise BadBundle(f"{_at(record)}: a time that no record has")
        inside = self._span.holds(record)
        if inside:
            self._follow(record)
        else:
            self._besides += 1
            if self._besides > _BESIDE_MAX:
                raise BadBundle("more records beside the range than a bundle has")
            self._beside.setdefault(record.cell, {})[record.position] = record.recorded_at
        candidate = inside and self._wanted.may_select(record)
        if inside and not candidate:
            self._others.add(record.type)
        if event is not None:
            return self._take_event(record, event, candidate)
        if candidate:
            self._miss(record)
        return False

    def end(self) -> Reckoned:
        """
        The account.

        :raises BadBundle: something is missing, or too much.
        """
        if self._tags_in & self._tags_out:
            raise BadBundle("events of the owner are left out")
        if missing := self._named - self._published:
            raise BadBundle(f"the rule set {_named(min(missing))} is not there")
        for named, at in self._unasked.items():
            if named not in self._named:
                raise BadBundle(f"{at}: an event that is not asked for")
        for cell, stretch in self._stretches.items():
            self._begins(cell, stretch)
        self._named_cells_are_there()
        open_cells = self._open()
        return Reckoned(
            records=self._records,
            events=self._events,
            rule_sets=len(self._unasked),
            keys=frozenset(self._keys),
            cells={
                str(cell): (one.first, one.last) for cell, one in sorted(self._stretches.items())
            },
            idle_cells=tuple(sorted(self._idle() - open_cells)),
            open_cells=tuple(sorted(open_cells)),
            others=tuple(sorted(self._others)),
            owner_unknown=self._owner is not None and not self._tags_in,
            untagged=self._untagged,
        )

    def _follow(self, record: DigestRecord) -> None:
        before = self._stretches.get(record.cell)
        if before is None:
            self._stretches[record.cell] = _Stretch(record)
            return
        if record.position != before.last + 1:
            raise BadBundle(f"{record.cell}-{before.last + 1}: the record is not there")
        if record.recorded_at < before.recorded_at:
            raise BadBundle(f"{_at(record)}: time runs backwards")
        before.last, before.recorded_at = record.position, record.recorded_at

    def _take_event(self, record: DigestRecord, event: BundledEvent, candidate: bool) -> bool:
        if (
            hashlib.sha256(event.data).hexdigest() != record.data_sha256
            or hashlib.sha256(event.context).hexdigest() != record.context_sha256
        ):
            raise BadBundle(f"{_at(record)}: the event is not the one that its record is of")
        self._events += 1
        self._keys.update(map(_key, key_ids(event.data)))
        published = rule_set_published(event.data)
        if published is not None:
            named, content = published
            if hashlib.sha256(content).hexdigest().encode() != named[2]:
                raise BadBundle(f"{_at(record)}: the rule set is not what its hash is of")
            self._published.add(named)
        if candidate and self._owner in (None, event.owner):
            self._named.update(rule_sets_named(event.data))
            if record.owner_tag is not None:
                self._tags_in.add(record.owner_tag)
            return True
        if published is None or published[0] in self._unasked:
            raise BadBundle(f"{_at(record)}: an event that is not asked for")
        self._unasked[published[0]] = _at(record)
        return False

    def _miss(self, record: DigestRecord) -> None:
        if self._owner is None:
            raise BadBundle(f"{_at(record)}: the event is not there")
        if record.owner_tag is None:
            self._untagged += 1
        else:
            self._tags_out.add(record.owner_tag)

    def _begins(self, cell: int, stretch: _Stretch) -> None:
        match self._since:
            case None:
                whole = stretch.first == 1
            case Bound(positions=dict() as after):
                whole = stretch.first == after.get(str(cell), 0) + 1
            case _:
                whole = stretch.first == 1 or self._is_beside(cell, stretch.first - 1)
        if not whole:
            raise BadBundle(f"{cell}-{stretch.first - 1}: the record is not there")

    def _named_cells_are_there(self) -> None:
        if self._to.positions is None:
            return
        after = {} if self._since is None else self._since.positions or {}
        for name, until in self._to.positions.items():
            stretch = self._stretches.get(int(name))
            if stretch is None:
                there = until <= after.get(name, 0) or self._is_beside(int(name), until)
            else:
                there = stretch.last == until
            if not there:
                raise BadBundle(f"{name}-{until}: the record is not there")

    def _is_beside(self, cell: int, position: int) -> bool:
        return position in self._beside.get(cell, {})

    def _idle(self) -> set[int]:
        """The cells that have nothing in a range that is bounded by times."""
        return set() if self._to.time is None else self._beside.keys() - self._stretches.keys()

    def _open(self) -> set[int]:
        """The cells of which nothing shows that their next event is beyond the range."""
        if self._to.time is None:
            return set()
        found = set()
        for cell in self._stretches.keys() | self._beside.keys():
            beside, stretch = self._beside.get(cell, {}), self._stretches.get(cell)
            if stretch is not None:
                closed = beside.get(stretch.last + 1, "") > self._to.time
            else:
                closed = any(
                    recorded_at > self._to.time and (at == 1 or at - 1 in beside)
                    for at, recorded_at in beside.items()
                )
            if not closed:
                found.add(cell)
        return found


def _key(start: str) -> str:
    """A key's id in hexadecimal, from the start of what is sealed under it."""
    try:
        return base64.b64decode(start, validate=True)[_KEY].hex()
    except binascii.Error:
        raise BadBundle("something sealed that is no base64") from None


def _at(record: DigestRecord) -> str:
    return f"{record.cell}-{record.position}"


def _named(named: SetName) -> str:
    name, version, _ = named
    return f"{name.decode(errors='replace')} {version.decode()}"
