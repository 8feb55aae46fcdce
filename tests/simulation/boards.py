"""
Home pages, boards and visits, as events make them: who may be where, write what, and see whom.
"""

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from domain.event import Recorded
from domain.home import SECTIONS, HomeChanged, HomeEvent, HomeNamesRefused
from domain.ids import cell_of
from domain.message import (
    MessageApproved,
    MessageDeleted,
    MessageEvent,
    MessageFlagged,
    MessageHeld,
    MessageRefused,
    MessageRejected,
    MessageRestored,
    MessageTakenBack,
    MessageUnpublished,
    MessageWritten,
)
from domain.visit import VisitEvent, VisitMade, VisitMadeUnseen, VisitorRemoved
from projections.visits import VISIT_COUNTS, VISIT_DAYS
from tests.simulation.legal import must
from tests.simulation.tables import Tables
from tests.simulation.treasury import Treasury
from tests.simulation.world import Deed, Difference, Note
from tests.simulation.writings import Writings

OF_MESSAGE = frozenset(get_args(MessageEvent))
OF_PAGES = OF_MESSAGE | {*get_args(VisitEvent), *get_args(HomeEvent), VisitorRemoved}


class Boards:
    """What they make of the world."""

    def __init__(self, writings: Writings, treasury: Treasury) -> None:
        self._world = writings
        self._treasury = treasury

    def take(self, recorded: Recorded, event: Any) -> None:
        """A page, a board or a visit is as this says."""
        world = self._world
        match event:
            case HomeChanged(member=member, home=home):
                world.acts(recorded, member)
                for section in SECTIONS:
                    world.privacy[member, section] = home.privacy.get(section, "public")
                world.writers[member] = home.writers
            case HomeNamesRefused(member=member):
                world.publishes(recorded, member)
            case VisitMade() | VisitMadeUnseen():
                self._visit(recorded, event)
            case VisitorRemoved(member=member, visitor=visitor, times=times):
                world.acts(recorded, member)
                known, _ = world.guests[member, visitor]
                must(times == known, recorded, "all that there were are off the list")
                must(world.removed[member, visitor] < times, recorded, "it was on the list")
                world.removed[member, visitor] = times
            case _:
                self._message(recorded, event)

    def _visit(self, recorded: Recorded, event: VisitMade | VisitMadeUnseen) -> None:
        world, member, space = self._world, event.member, event.space
        world.acts(recorded, member)
        may = member != space and not world.apart(member, space)
        must(may, recorded, "nobody is in a space that is not there for them, or counts their own")
        world.visits[space] += 1
        if isinstance(event, VisitMadeUnseen):
            tenure = self._treasury.tenures.tenure(member, "yellow")
            must(tenure.gives(event.effective_at), recorded, "it takes a membership to be unseen")
            return
        before, _ = world.guests.get((space, member), (0, None))
        must(event.times == before + 1, recorded, "each visit is counted once")
        world.guests[space, member] = event.times, recorded.recorded_at

    def _message(self, recorded: Recorded, event: Any) -> None:
        world = self._world
        match event:
            case MessageWritten() | MessageHeld():
                self._write(recorded, event)
            case MessageRefused(author=author, space=space, text=text):
                world.publishes(recorded, author)
                must(world.may_write(author, space), recorded, "whoever writes may")
                world.say(recorded, text)
            case MessageFlagged():
                must(world.notes[recorded.stream].published, recorded, "it stands")
            case MessageDeleted() | MessageTakenBack():
                note = world.notes[recorded.stream]
                world.acts(recorded, recorded.actor)
                waited = isinstance(event, MessageTakenBack)
                so = note.live and waited is not note.published
                there = world.goes(note.author, note.taken, live=so)
                must(there, recorded, "it was there so")
                theirs = {note.author} if waited else {note.author, note.space}
                must(recorded.actor in theirs, recorded, "its author's, or the board's owner's")
                note.live, note.waits, note.taken = False, None, None
                world.deeds.pop(note.id, None)
            case _:
                self._judge(recorded, event, world.notes[recorded.stream])

    def _write(self, recorded: Recorded, event: MessageWritten | MessageHeld) -> None:
        world = self._world
        world.publishes(recorded, event.author)
        must(world.may_write(event.author, event.space), recorded, "whoever writes may")
        if event.reply_to is not None:
            answered = world.notes[event.reply_to]
            seen = answered.published and world.reads(event.author, answered)
            must(seen and answered.space == event.space, recorded, "whoever answers sees it")
            same = (event.thread, event.answered) == (answered.thread, answered.author)
            must(same, recorded, "an answer stands in the thread")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        text = world.say(recorded, event.text)
        note = Note(recorded.stream, event.space, event.author, text, event.thread, at)
        if isinstance(event, MessageHeld):
            note.waits = event.how
        world.notes[note.id] = note
        world.deeds[note.id] = Deed(at, "message", note.author, note=note)

    def _judge(self, recorded: Recorded, event: Any, note: Note) -> None:
        """People decided what becomes of it."""
        taken_by = self._world.taken_by
        match event:
            case MessageApproved(waited=waited):
                held = note.waits is not None or note.taken == "held"
                must(held and waited is (note.waits is not None), recorded, "it was kept back")
                note.at = recorded.recorded_at, UUID(int=note.id.int)
                self._world.deeds[note.id] = Deed(note.at, "message", note.author, note=note)
            case MessageRestored():
                must(note.taken == "published", recorded, "what was there comes back")
            case MessageRejected(decision=decision):
                must(note.live and note.waits is not None, recorded, "it waited")
                note.live, note.waits, note.taken = False, None, "held"
                taken_by[note.id] = decision
                return
            case MessageUnpublished(decision=decision):
                must(note.published, recorded, "it was published")
                note.live, note.taken = False, "published"
                taken_by[note.id] = decision
                return
            case _:
                raise AssertionError(event)
        note.live, note.waits, note.taken = True, None, None
        taken_by.pop(note.id, None)

    def check_counts(self, events: Sequence[Recorded], tables: Tables) -> None:
        """Visits are counted exactly at the commit, on every day together."""
        for recorded in events:
            event = recorded.event
            if not isinstance(event, VisitMade | VisitMadeUnseen):
                continue
            space, cell = event.space, cell_of(event.space)
            counts = tables.get(VISIT_COUNTS, cell, space)
            known = sum(owner == space for owner, _ in self._world.guests)
            wanted = {"total": self._world.visits[space], "visitors": known}
            on_days = sum(row["visits"] for row in tables.under(VISIT_DAYS, cell, space).values())
            if counts != wanted or on_days != wanted["total"]:
                raise Difference(f"visits to {space} are {counts} and {on_days}, not {wanted}")
