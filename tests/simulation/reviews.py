"""
The twins of the statements about cases, decisions, reports and standings; and histories of cases
made up for them, since they need no posts to be about.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseClaimLapsed,
    CaseDecided,
    CaseEscalated,
    CaseEvent,
    CaseMooted,
    CaseNoted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseReleased,
    CaseReported,
    CaseSubjectChanged,
    Queue,
    Remaining,
    Subject,
)
from domain.decision import Decision, Measure, OnAppeal, Penalty, Strike
from domain.disclosure_policy import Told
from domain.event import Event, Recorded
from domain.ids import CaseId, DecisionId, MemberId, StreamId, derive, mint
from domain.promise import Promise
from domain.sealed import Sealed
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from projections.cases import BREACHES, CASE_DUES, CASE_TALLIES, CASES
from projections.decisions import CASE_OPENINGS, DECISIONS, PUBLIC_NOTES
from projections.reports import REPORTS
from projections.standings import SANCTIONS, STRIKES
from tests.simulation.asking import Asked, Rows, pick, twin, unnest
from tests.simulation.tables import Row, Tables

_OF_CASE = frozenset(get_args(CaseEvent))
_NOON = datetime.fromisoformat("2026-11-22T12:00:00+00:00")

# Twins

_CASE = (
    "kind", "subject", "owner", "queue", "state", "cause", "promise", "due_at", "overdue",
    "claimed_by", "claimed_until", "opened_at", "decided_at", "verdict", "changed_at", "position",
    "version",
)  # fmt: skip
_DECISION = (
    "case", "owner", "kind", "subject", "verdict", "ground", "clause", "category", "explanation",
    "facts", "cause", "automated_detection", "told", "decided_at", "strike_weight", "strike_until",
    "measure", "measure_until", "ladder", "ladder_until", "against", "outcome", "appeal",
    "appealed_at", "answered_at",
)  # fmt: skip


def _case(tables: Tables, cell: int, case: UUID, row: Row) -> tuple[Any, ...]:
    tally = tables.get(CASE_TALLIES, cell, case)
    return (cell, case, *pick(row, _CASE), 0 if tally is None else tally["reports"])


def _page(
    tables: Tables, asked: Asked, passes: Callable[[Row], bool] = lambda _: True, **where: Any
) -> Rows:
    mark = (asked["after"], asked["after_case"])
    found = [
        (place, key[1], key[0], row)
        for key, row in tables.every(CASES).items()
        if key[0] in asked["cells"]
        and ((place := _place(tables, key, row, asked["since"])), key[1]) > mark
        and all(row[name] == value for name, value in where.items())
        and passes(row)
    ]
    found.sort(key=lambda one: one[:2])
    given: Counter[tuple[int, bool]] = Counter()
    first: Rows = []
    for place, case, cell, row in found:
        moved = row["due_set_at"] > asked["since"]
        given[cell, moved] += 1
        if given[cell, moved] <= asked["each"]:
            first.append((*_case(tables, cell, case, row), place))
    return first[: asked["count"]]


def _place(tables: Tables, key: tuple[Any, ...], row: Row, since: datetime) -> datetime:
    """By when a case was due when a walk began."""
    said = sorted(
        (at[2], due["at"], due["due_at"])
        for at, due in tables.under(CASE_DUES, key[0], key[1]).items()
        if at[2] >= row["turn"]
    )
    place: datetime = row["due_at"]
    if row["due_set_at"] > since:
        before = [due for _, at, due in said if at <= since]
        place = before[-1] if before else said[0][2]
    return place


def _waiting(tables: Tables, asked: Asked, **where: Any) -> Rows:
    return _page(tables, asked, lambda row: row["state"] != "closed", **where)


@twin("cases_open")
def _cases_open(tables: Tables, asked: Asked) -> Rows:
    return _waiting(tables, asked)


@twin("cases_in_queue")
def _cases_in_queue(tables: Tables, asked: Asked) -> Rows:
    return _waiting(tables, asked, queue=asked["queue"])


@twin("cases_overdue")
def _cases_overdue(tables: Tables, asked: Asked) -> Rows:
    queue = {} if asked["queue"] is None else {"queue": asked["queue"]}
    return _waiting(tables, asked, overdue=True, **queue)


@twin("cases_in_state")
def _cases_in_state(tables: Tables, asked: Asked) -> Rows:
    return _page(tables, asked, state=asked["state"])


@twin("cases_in_queue_and_state")
def _cases_in_queue_and_state(tables: Tables, asked: Asked) -> Rows:
    return _page(tables, asked, queue=asked["queue"], state=asked["state"])


@twin("cases_claimed_by")
def _cases_claimed_by(tables: Tables, asked: Asked) -> Rows:
    return _page(tables, asked, claimed_by=asked["staff"])


@twin("cases_by_id")
def _cases_by_id(tables: Tables, asked: Asked) -> Rows:
    rows = ((cell, case, tables.get(CASES, cell, case))
            for cell, case in unnest(asked, "cells", "cases"))  # fmt: skip
    return [_case(tables, cell, case, row) for cell, case, row in rows if row is not None]


@twin("queue_sizes")
def _queue_sizes(tables: Tables, asked: Asked) -> Rows:
    sizes: dict[tuple[str, str], list[int]] = {}
    for row in tables.every(CASES).values():
        if row["state"] != "closed":
            size = sizes.setdefault((row["queue"], row["state"]), [0, 0])
            size[0] += 1
            size[1] += row["overdue"]
    return [(*at, *size) for at, size in sizes.items()]


@twin("promise_breaches")
def _promise_breaches(tables: Tables, asked: Asked) -> Rows:
    sums: dict[str, int] = {}
    for key, row in tables.every(BREACHES).items():
        sums[key[1]] = sums.get(key[1], 0) + row["count"]
    return list(sums.items())


def _decision(cell: int, decision: UUID, row: Row) -> tuple[Any, ...]:
    return (cell, row["position"], decision, *pick(row, _DECISION))


@twin("decisions_of_owner")
def _decisions_of_owner(tables: Tables, asked: Asked) -> Rows:
    found = [
        (row["position"], key[1], row)
        for key, row in tables.every(DECISIONS).items()
        if key[0] == asked["cell"]
        and row["owner"] == asked["owner"]
        and row["concerns_owner"]
        and row["position"] < asked["before"]
    ]
    found.sort(key=lambda one: one[0], reverse=True)
    return [_decision(asked["cell"], decision, row) for _, decision, row in found][: asked["count"]]


@twin("decisions_stated")
def _decisions_stated(tables: Tables, asked: Asked) -> Rows:
    found = [
        (row["position"], key[1], row)
        for key, row in tables.every(DECISIONS).items()
        if key[0] == asked["cell"]
        and row["stated"]
        and asked["after"] < row["position"] <= asked["until"]
    ]
    found.sort(key=lambda one: one[0])
    return [_decision(asked["cell"], decision, row) for _, decision, row in found][: asked["count"]]


@twin("case_of_decision")
def _case_of_decision(tables: Tables, asked: Asked) -> Rows:
    row = tables.get(DECISIONS, asked["cell"], asked["decision"])
    return [] if row is None or row["owner"] != asked["owner"] else [(row["case"],)]


@twin("public_notes")
def _public_notes(tables: Tables, asked: Asked) -> Rows:
    rows: Rows = []
    for case in sorted(set(asked["cases"])):
        decided = sorted(
            (row["position"], key[1])
            for key, row in tables.every(DECISIONS).items()
            if key[0] == asked["cell"] and row["case"] == case
        )
        opened = [key[2] for key in tables.under(CASE_OPENINGS, asked["cell"], case)]
        for key, row in sorted(tables.under(PUBLIC_NOTES, asked["cell"], case).items()):
            home = _home(key[2], decided, opened)
            rows.append((home, row["note"], row["at"]))
    return rows


def _home(noted: int, decided: list[tuple[int, UUID]], opened: list[int]) -> UUID | None:
    """With which decision a note came; none if the case was opened anew in between."""
    for at, decision in decided:
        if at > noted:
            if not any(noted < opening < at for opening in opened):
                return decision
            break
    earlier = [one for one in decided if one[0] < noted]
    if earlier and not any(earlier[-1][0] <= opening < noted for opening in opened):
        return earlier[-1][1]
    return None


@twin("reports_of_reporter")
def _reports_of_reporter(tables: Tables, asked: Asked) -> Rows:
    mark = (asked["before"], asked["before_case"])
    found = [
        (row["reported_at"], key[2], row)
        for key, row in tables.under(REPORTS, asked["cell"], asked["reporter"]).items()
        if (row["reported_at"], key[2]) < mark
    ]
    found.sort(key=lambda one: one[:2], reverse=True)
    return [
        (row["report"], case, row["category"], at, row["outcome"], row["decided_at"])
        for at, case, row in found[: asked["count"]]
    ]


def _of_member(tables: Tables, table: Any, asked: Asked, columns: tuple[str, ...]) -> Rows:
    found = tables.under(table, asked["cell"], asked["member"]).items()
    newest = sorted(found, key=lambda one: one[1]["position"], reverse=True)
    return [(key[2], *pick(row, columns)) for key, row in newest[: asked["count"]]]


@twin("strikes_of_member")
def _strikes_of_member(tables: Tables, asked: Asked) -> Rows:
    columns = ("case", "weight", "state", "given_at", "expires_at")
    return _of_member(tables, STRIKES, asked, columns)


@twin("sanctions_of_member")
def _sanctions_of_member(tables: Tables, asked: Asked) -> Rows:
    columns = (
        "kind", "state", "decision", "by_ladder", "weight", "imposed_at", "until", "lifted_at",
    )  # fmt: skip
    return _of_member(tables, SANCTIONS, asked, columns)


# Histories


class Reviews:
    """
    A history of cases of a few members, by a seed: whatever may happen, in any order.

    ``events`` are they, on top of ``heads``.
    """

    def __init__(self, seed: int, cells: int, heads: dict[int, int], count: int = 300) -> None:
        self._chance = random.Random(f"{seed}/reviews")
        self._heads = dict(heads)
        self._versions: dict[UUID, int] = {}
        self.members = [
            MemberId(mint(number, number % cells, number)) for number in range(9_000, 9_006)
        ]
        self.staff = [derive(0, "staff", bytes([number])) for number in range(3)]
        self._subjects = [
            Subject("post", mint(number, self._cell(owner), number), owner)
            for number, owner in enumerate(self.members * 3, 9_100)
        ]
        self.cases = [self._id(subject.owner) for subject in self._subjects]
        self._decided: list[list[DecisionId]] = [[] for _ in self.cases]
        self._sanctions: list[tuple[MemberId, UUID]] = []
        self.events = [one for number in range(count) for one in self._step(number)]

    @staticmethod
    def _cell(owner: UUID) -> int:
        return owner.int >> 64 & 0xFFF

    def _id(self, owner: UUID) -> UUID:
        return mint(9_500, self._cell(owner), self._chance.getrandbits(62))

    def _words(self) -> Sealed[str]:
        return Sealed(self._chance.randbytes(40))

    def _step(self, number: int) -> Iterator[Recorded]:
        which = self._chance.randrange(len(self.cases))
        subject, case = self._subjects[which], self.cases[which]
        at = _NOON + timedelta(minutes=number)
        for event in self._some(which, subject, at):
            stream = case if type(event) in _OF_CASE else subject.owner
            yield self._recorded(event, StreamId(stream), subject.owner, at)

    def _some(self, which: int, subject: Subject, at: datetime) -> list[Event]:
        chance, member = self._chance, subject.owner
        by, other = chance.choice(self.staff), chance.choice(self.members)
        promise = Promise("review", at + timedelta(hours=chance.randrange(1, 48)), "test/1")
        decided = self._decided[which]
        match chance.randrange(13):
            case 0 | 1 | 2:
                queue: Queue = chance.choice(("screening", "reports"))
                beside = chance.random() < 0.2
                return [CaseOpened(subject, "flagged", queue, promise, 1, beside=beside)]
            case 3:
                sooner = chance.choice((None, promise))
                reported = CaseReported(self._id(other), other, "spam", None, sooner)
                return [chance.choice((reported, reported, CaseSubjectChanged(member, 2, sooner)))]
            case 4:
                return [CaseClaimed(by, at + timedelta(hours=1))]
            case 5:
                return [chance.choice((CaseReleased(by), CaseClaimLapsed(by, at)))]
            case 6:
                return [CaseEscalated(by, "escalated", self._words())]
            case 7:
                return [CaseNoted(by, self._words(), chance.choice(("public", "internal")))]
            case 8:
                return [CaseProposed(self._decision(which, at), by)]
            case 9 if decided:
                appeal, beside = self._id(member), chance.random() < 0.3
                words = self._words()
                return [CaseAppealed(appeal, decided[-1], member, words, promise, beside=beside)]
            case 10:
                return [
                    chance.choice((CaseOverdue("review", at, at), CaseMooted(member, "deleted")))
                ]
            case 11 if self._sanctions and decided:
                whose, sanction = chance.choice(self._sanctions)
                if self._cell(whose) != self._cell(member):
                    return []
                strike = chance.choice((
                    StrikeExpired(member, decided[0], at),
                    StrikeReversed(member, decided[0], decided[-1]),
                ))  # fmt: skip
                return [strike, SanctionLifted(whose, sanction, "expired", at)]
            case _:
                return self._decide(which, subject, by, at)

    def _decide(self, which: int, subject: Subject, by: UUID, at: datetime) -> list[Event]:
        chance, decision = self._chance, self._decision(which, at)
        reporters = tuple(chance.sample(self.members, chance.randrange(3)))
        remaining = None
        if chance.random() < 0.2:
            promise = Promise("appeal", at + timedelta(days=5), "test/1")
            remaining = Remaining("appeal", "appeals", promise, chance.random() < 0.5)
        events: list[Event] = [CaseDecided(subject, decision, by, None, reporters, remaining)]
        self._decided[which].append(decision.id)
        if decision.penalty is not None:
            member, case = subject.owner, CaseId(self.cases[which])
            sanction, until = self._id(member), at + timedelta(days=7)
            events.append(StrikeGiven(member, decision.id, case, 1, at + timedelta(days=90)))
            events.append(
                SanctionImposed(
                    member=member,
                    sanction=sanction,
                    kind="restriction",
                    decision=decision.id,
                    reason=decision.explanation,
                    by_ladder=chance.random() < 0.5,
                    weight=3,
                    ladder=1,
                    until=until,
                )
            )
            self._sanctions.append((member, sanction))
        return events

    def _decision(self, which: int, at: datetime) -> Decision:
        chance, decided = self._chance, self._decided[which]
        owner = self._subjects[which].owner
        penalty, on_appeal = None, None
        if chance.random() < 0.4:
            penalty = Penalty(Strike(1, 90), Measure("restriction", 7))
        if decided and chance.random() < 0.3:
            outcome: Literal["upheld", "overturned"] = chance.choice(("upheld", "overturned"))
            on_appeal = OnAppeal(self._id(owner), decided[-1], outcome)
        return Decision(
            id=DecisionId(self._id(owner)),
            verdict=chance.choice(("unpublish", "no_action", "restore", "reject")),
            ground=chance.choice(("illegal", "terms")),
            clause="4.2",
            explanation=self._words(),
            category="spam",
            facts=self._words(),
            on=1,
            cause="flagged",
            automated_detection=chance.random() < 0.5,
            told=Told(chance.choice(("opaque", "notice", "full")), 1),
            decided_at=at,
            penalty=penalty,
            on_appeal=on_appeal,
        )

    def _recorded(self, event: Event, stream: StreamId, owner: MemberId, at: datetime) -> Recorded:
        cell = self._cell(owner)
        position = self._heads[cell] = self._heads.get(cell, 0) + 1
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        command = mint(9_900, cell, position)
        return Recorded(
            cell, position, stream, version, at, owner, owner, command, command, None, event
        )
