"""
A case's trail: all that happened to it, to what it is about and to the standing of its member, in
the order in which it happened, out of the log itself.

So it says under which version of which rule something was found, in which words, as they stood at
that moment, whatever has become of either since.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from api.disclosing import Disclosure
from api.services import Services
from commands.subjects import stream_of
from commands.types import Moment
from domain.case import case_stream
from domain.case_events import CaseDecided, CaseOpened, Subject
from domain.event import Recorded, Refused, type_of
from domain.ids import CaseId, cell_of
from domain.photo_events import PhotoWords
from domain.poll import Poll
from domain.post_events import PostContent
from domain.screening import Hit, Screening
from domain.sealed import Sealed
from domain.standing import standing_stream
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from projections.reports import outcome

Part = Literal["case", "subject", "standing"]


class FoundHit(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A rule and where in the text it was found, in code points. ``quoted`` is the text of the span as
    it stood then; `{"sealed": true}` without a purpose, null when its key was destroyed.
    ``unfinished`` that the text was held because it takes too much to look through: no rule.
    """

    set: str
    version: int
    rule: str
    category: str
    action: str
    field: str
    start: int
    end: int
    quoted: Any
    by_sound: bool = False
    unfinished: bool = False


class ToldTo(msgspec.Struct, frozen=True):
    """Who was told, and what: as much as the policy says, or what came of a report."""

    who: Literal["member", "reporter"]
    id: UUID
    what: str


class TrailEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened, and who did it."""

    at: Moment
    position: str
    type: str
    actor: UUID
    of: Part
    version: int
    data: dict[str, Any]
    found: list[FoundHit] = []
    told: list[ToldTo] = []


class Trail:
    """
    The events of one case, read once.

    ``recorded`` are they, in order; ``subject`` is what the case is about, at version ``on``.
    """

    def __init__(
        self, subject: Subject, on: int, recorded: Sequence[tuple[Part, Recorded]]
    ) -> None:
        self.subject = subject
        self.on = on
        self.recorded = recorded

    @classmethod
    async def read(cls, app: Services, case: CaseId) -> "Trail":
        """
        :raises Refused: there is no such case.
        """
        if not 0 <= cell_of(case) < app.log.cells:
            raise Refused("not-found")
        of_case = await app.log.read_stream(case_stream(case))
        if not of_case or not isinstance(of_case[0].event, CaseOpened):
            raise Refused("not-found")
        subject = of_case[0].event.subject
        of_subject = await app.log.read_stream(stream_of(subject)[1])
        of_standing = await app.log.read_stream(standing_stream(subject.owner))
        decided = {one.event.decision.id for one in of_case if isinstance(one.event, CaseDecided)}
        parts: list[tuple[Part, Recorded]] = [("case", one) for one in of_case]
        parts += (("subject", one) for one in of_subject)
        parts += (("standing", one) for one in _caused_by(decided, of_standing))
        on = of_subject[-1].version if of_subject else 0
        return cls(subject, on, sorted(parts, key=lambda one: one[1].position))

    def entries(self, disclosure: Disclosure) -> list[TrailEntry]:
        """What a reader may see of it."""
        texts: dict[str, Sealed[str]] = {}
        entries: list[TrailEntry] = []
        for part, recorded in self.recorded:
            texts = {**texts, **_texts(recorded.event)}
            shown = disclosure.event(recorded)
            entries.append(
                TrailEntry(
                    at=recorded.recorded_at,
                    position=recorded.at,
                    type=type_of(recorded.event),
                    actor=recorded.actor,
                    of=part,
                    version=recorded.version,
                    data=shown.data,
                    found=list(_found(recorded, texts, disclosure)),
                    told=list(_told(recorded)),
                )
            )
        return entries


def _caused_by(decided: set[Any], of_standing: Sequence[Recorded]) -> Iterator[Recorded]:
    """What decisions of the case did to the member's standing, and what became of that."""
    sanctions: set[UUID] = set()
    for one in of_standing:
        event = one.event
        match event:
            case SanctionImposed():
                if event.decision in decided:
                    sanctions.add(event.sanction)
                    yield one
            case SanctionLifted():
                if event.sanction in sanctions:
                    yield one
            case StrikeGiven() | StrikeExpired() | StrikeReversed():
                if event.strike in decided:
                    yield one
            case _:
                pass


def _texts(event: Any) -> dict[str, Sealed[str]]:
    """What an event says, or wants to say, by the names that hits have for it."""
    content = getattr(event, "content", getattr(event, "words", None))
    if isinstance(content, PostContent | PhotoWords):
        said = {name: getattr(content, name) for name in content.__struct_fields__}
        poll = getattr(event, "poll", None)
        if isinstance(poll, Poll):
            said |= {f"poll/options/{number}": one for number, one in enumerate(poll.options)}
    else:
        said = {name: getattr(event, name, None) for name in ("text", "nickname", "title")}
    return {name: value for name, value in said.items() if isinstance(value, Sealed)}


def _found(
    recorded: Recorded, texts: Mapping[str, Sealed[str]], disclosure: Disclosure
) -> Iterator[FoundHit]:
    screening = getattr(recorded.event, "screening", None)
    if not isinstance(screening, Screening):
        return
    versions = {one.name: one.version for one in screening.sets}
    opened = {field: disclosure.opened(texts[field]) for field in texts}
    for hit in screening.hits:
        yield FoundHit(
            set=hit.set,
            version=versions[hit.set],
            rule=hit.rule,
            category=hit.category,
            action=hit.action,
            field=hit.field,
            start=hit.start,
            end=hit.end,
            quoted=_span(hit, opened.get(hit.field)),
            by_sound=hit.by_sound,
            unfinished=hit.unfinished,
        )


def _span(hit: Hit, text: Any) -> Any:
    return text[hit.start : hit.end] if isinstance(text, str) else text


def _told(recorded: Recorded) -> Iterator[ToldTo]:
    event = recorded.event
    if isinstance(event, CaseDecided):
        yield ToldTo("member", event.subject.owner, event.decision.told.policy)
        for reporter in event.reporters:
            yield ToldTo("reporter", reporter, outcome(event.decision))
