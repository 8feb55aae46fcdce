"""
Cases: what waits for people, in which queue and until when, and who is at it.

A page of a queue reads an index that holds open work alone, in the order of its due dates, so it
costs the same however many cases wait, and however many were ever closed. Due dates move, and walks
through a queue last: where a case stood when a walk began is kept beside it.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, Uuid, text

from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseClaimLapsed,
    CaseDecided,
    CaseDeclined,
    CaseEscalated,
    CaseMooted,
    CaseNoted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseReleased,
    CaseReported,
    CaseSubjectChanged,
)
from domain.event import Recorded
from domain.promise import Promise
from projections.rows import Add, Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

_OPEN = text("state <> 'closed'")

CASES = Table(
    "cases",
    METADATA,
    cell(),
    key("case"),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("queue", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("promise", Text, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    # When it was last said by when; and where the log says that the case was opened.
    Column("due_set_at", MOMENT, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("overdue", Boolean, nullable=False),
    Column("claimed_by", Uuid),
    Column("claimed_until", MOMENT),
    Column("opened_at", MOMENT, nullable=False),
    Column("decided_at", MOMENT),
    Column("verdict", Text),
    Column("changed_at", MOMENT),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("cases_open", "cell", "due_at", "case", postgresql_where=_OPEN),
    Index("cases_in_queue", "cell", "queue", "due_at", "case", postgresql_where=_OPEN),
    Index(
        "cases_overdue",
        "cell",
        "due_at",
        "case",
        postgresql_where=text("overdue AND state <> 'closed'"),
    ),
    Index("cases_due_set", "cell", "due_set_at"),
    Index("cases_in_state", "cell", "state", "due_at", "case"),
    Index("cases_in_queue_and_state", "cell", "queue", "state", "due_at", "case"),
    Index(
        "cases_claimed",
        "cell",
        "claimed_by",
        "due_at",
        "case",
        postgresql_where=text("claimed_by IS NOT NULL"),
    ),
)

#: By when each case was ever due, as of when.
CASE_DUES = Table(
    "case_dues",
    METADATA,
    cell(),
    key("case"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("due_at", MOMENT, nullable=False),
    Column("at", MOMENT, nullable=False),
)

#: How often each case was ever reported; beside the row, since sums are all that it takes.
CASE_TALLIES = Table(
    "case_tallies",
    METADATA,
    cell(),
    key("case"),
    Column("reports", BigInteger, nullable=False, server_default="0"),
)

#: Promises that were broken, by kind.
BREACHES = Table(
    "breaches",
    METADATA,
    cell(),
    Column("promise", Text, primary_key=True),
    Column("count", BigInteger, nullable=False, server_default="0"),
)


class Cases:
    """The read model."""

    name = "cases"
    tables = (CASES, CASE_DUES, CASE_TALLIES, BREACHES)
    inline = False

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case CaseOpened():
                yield _opened(recorded, event)
                yield from _dues(recorded, event.promise)
            case CaseReported(sooner=sooner):
                yield Add(CASE_TALLIES, (recorded.cell, recorded.stream), {"reports": 1})
                yield _patch(recorded, _due(recorded, sooner))
                yield from _dues(recorded, sooner)
            case CaseClaimed(by=by, until=until):
                yield _patch(recorded, _at_it("claimed", by, claimed_until=until))
            case CaseClaimLapsed() | CaseReleased() | CaseDeclined():
                yield _patch(recorded, _at_it("open"))
            case CaseEscalated(queue=queue):
                yield _patch(recorded, {**_at_it("open"), "queue": queue})
            case CaseProposed():
                yield _patch(recorded, _at_it("proposed"))
            case CaseDecided() | CaseMooted() | CaseAppealed():
                yield _patch(recorded, _turned(recorded, event))
                yield from _dues(recorded, _promised(event))
            case CaseSubjectChanged(sooner=sooner):
                changed = {"changed_at": recorded.recorded_at}
                yield _patch(recorded, {**changed, **_due(recorded, sooner)})
                yield from _dues(recorded, sooner)
            case CaseOverdue(promise=kind):
                yield _patch(recorded, {"overdue": True})
                yield Add(BREACHES, (recorded.cell, kind), {"count": 1})
            case CaseNoted():
                yield _patch(recorded, {})
            case _:
                return


def _opened(recorded: Recorded, event: CaseOpened) -> Put | Patch:
    subject = event.subject
    opened = {
        "queue": event.queue,
        **_at_it("open", changed_at=None),
        "cause": event.cause,
        **_due(recorded, event.promise),
        "overdue": False,
        "opened_at": recorded.recorded_at,
        "decided_at": None,
        "verdict": None,
        "position": recorded.position,
        "version": recorded.version,
    }
    if event.beside:
        return Patch(CASES, (recorded.cell, recorded.stream), opened)
    about = {"kind": subject.kind, "subject": subject.id, "owner": subject.owner}
    values = {**about, **opened, "turn": recorded.position}
    return Put(CASES, (recorded.cell, recorded.stream), values)


def _patch(recorded: Recorded, values: dict[str, Any]) -> Patch:
    moved = {"position": recorded.position, "version": recorded.version}
    return Patch(CASES, (recorded.cell, recorded.stream), {**values, **moved})


_Turn: TypeAlias = CaseDecided | CaseMooted | CaseAppealed


def _turned(recorded: Recorded, event: _Turn) -> dict[str, Any]:
    match event:
        case CaseDecided():
            return _decided(recorded, event)
        case CaseMooted():
            return {**_at_it("closed", changed_at=None), "verdict": None}
        case CaseAppealed():
            return _appealed(recorded, event)
        case _:
            assert_never(event)


def _promised(event: _Turn) -> Promise | None:
    """By when a case is due from now on, where that moves."""
    match event:
        case CaseDecided(goes_on=remaining):
            return None if remaining is None else remaining.promise
        case CaseAppealed(promise=promise, beside=beside):
            return None if beside else promise
        case CaseMooted():
            return None
        case _:
            assert_never(event)


def _decided(recorded: Recorded, event: CaseDecided) -> dict[str, Any]:
    decision, remaining = event.decision, event.goes_on
    decided = {"decided_at": decision.decided_at, "verdict": decision.verdict}
    if remaining is None:
        return {**_at_it("closed", changed_at=None), **decided}
    return {
        **_at_it("open"),
        **_due(recorded, remaining.promise),
        **decided,
        "cause": remaining.cause,
        "queue": remaining.queue,
        "overdue": remaining.overdue,
    }


def _appealed(recorded: Recorded, event: CaseAppealed) -> dict[str, Any]:
    if event.beside:
        return {}
    appealed = {"queue": "appeals", "cause": "appeal", "overdue": False, "turn": recorded.position}
    return {**_at_it("open"), **appealed, **_due(recorded, event.promise)}


def _at_it(state: str, by: UUID | None = None, **more: Any) -> dict[str, Any]:
    return {"state": state, "claimed_by": by, "claimed_until": None, **more}


def _due(recorded: Recorded, promise: Promise | None) -> dict[str, Any]:
    if promise is None:
        return {}
    set_at = recorded.recorded_at
    return {"promise": promise.kind, "due_at": promise.due, "due_set_at": set_at}


def _dues(recorded: Recorded, promise: Promise | None) -> Iterator[Put]:
    if promise is not None:
        at = (recorded.cell, recorded.stream, recorded.position)
        yield Put(CASE_DUES, at, {"due_at": promise.due, "at": recorded.recorded_at})
