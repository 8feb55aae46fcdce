"""
A member's erasure: asked for, waited for, done class by class; and the legal hold that stops it.

What is destroyed are keys: each event of it says that one class of a member's keys is gone, and a
policy destroys the key because of that event. So the decision stands on what was true at its
commit, a hold among it, and a server that is killed in between destroys the key when it is back.

A hold and an erasure are one stream, since every decision about the one is about both. Events say
which deadlines run on and which rest, because a read model sees one event at a time.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Aggregate, Event, Refused
from domain.ids import MemberId, StreamId, cell_of, derive
from domain.sealed import KeyClass, Sealed

#: In the order in which they are destroyed where several are due at once.
CLASSES: Final = tuple(KeyClass)
#: The kinds of deadlines at which each class is.
DESTRUCTIONS: Final = {f"erasure-{one.value}": one for one in CLASSES}


class Terms(msgspec.Struct, frozen=True):
    """
    How long an erasure waits before it falls due, and for how long from then on each class of keys
    is retained.
    """

    wait: timedelta = timedelta(days=14)
    content: timedelta = timedelta(0)
    identity: timedelta = timedelta(0)
    moderation: timedelta = timedelta(days=183)
    billing: timedelta = timedelta(days=3_653)

    def retention(self, key_class: KeyClass) -> timedelta:
        """For how long a class is retained."""
        found: timedelta = getattr(self, key_class.value)
        return found


class ClassDue(msgspec.Struct, frozen=True):
    """When a class of keys is to be destroyed."""

    key_class: KeyClass
    due: datetime


# Events


class ErasureAsked(Event, frozen=True, tag="erasure.asked.v1"):
    """
    A member is to be forgotten at ``due``, unless it is taken back. ``by`` asked: the member, or
    somebody of compliance, who says why.
    """

    member: MemberId
    due: datetime
    by: UUID
    reason: Sealed[str] | None = None


class ErasureTakenBack(Event, frozen=True, tag="erasure.taken_back.v1"):
    """Everything stays as it is."""

    member: MemberId
    by: UUID


class ErasureBegun(Event, frozen=True, tag="erasure.begun.v1"):
    """
    It fell due, at ``effective_at``: there is no way back. The account's own event is beside it.
    ``schedule`` says when each class is destroyed; those of ``held`` wait for a legal hold.
    ``again`` marks a member whose keys were gone already when a backup was restored.
    """

    member: MemberId
    effective_at: datetime
    schedule: tuple[ClassDue, ...]
    held: tuple[KeyClass, ...] = ()
    again: bool = False


class ErasureClassDestroyed(Event, frozen=True, tag="erasure.class_destroyed.v1"):
    """One class of the member's keys is destroyed, as of ``effective_at``."""

    member: MemberId
    key_class: KeyClass
    effective_at: datetime


class LegalHoldPlaced(Event, frozen=True, tag="legal_hold.placed.v1"):
    """
    Nothing of ``classes`` may be destroyed, whoever asks for it. It takes the place of a hold
    before it; ``freed`` is what that one had kept from being destroyed, and when it is due now.
    """

    member: MemberId
    classes: tuple[KeyClass, ...]
    reason: Sealed[str]
    by: UUID
    freed: tuple[ClassDue, ...] = ()


class LegalHoldReleased(Event, frozen=True, tag="legal_hold.released.v1"):
    """There is no hold any longer; ``freed`` is what it had kept, and when it is due now."""

    member: MemberId
    by: UUID
    freed: tuple[ClassDue, ...] = ()


ErasureEvent: TypeAlias = (
    ErasureAsked
    | ErasureTakenBack
    | ErasureBegun
    | ErasureClassDestroyed
    | LegalHoldPlaced
    | LegalHoldReleased
)


# States


class NotAsked(msgspec.Struct, frozen=True, gc=False):
    """Nobody asked, or it was taken back, at version ``since``."""

    since: int = 0


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Asked for, by somebody, at version ``since``; it can be taken back until ``due``."""

    due: datetime
    by: UUID
    since: int


class Begun(msgspec.Struct, frozen=True, gc=False):
    """The member is gone. What is in ``schedule`` and not in ``destroyed`` is yet to be."""

    effective_at: datetime
    schedule: tuple[ClassDue, ...]
    destroyed: Mapping[KeyClass, datetime]
    since: int

    @property
    def left(self) -> tuple[ClassDue, ...]:
        """What is not destroyed yet."""
        return tuple(one for one in self.schedule if one.key_class not in self.destroyed)


Stage: TypeAlias = NotAsked | Waiting | Begun


class Hold(msgspec.Struct, frozen=True, gc=False):
    """A legal hold, placed by the event of version ``since``."""

    classes: tuple[KeyClass, ...]
    since: int


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """How far a member's erasure is, and the hold on what is theirs. ``released`` is a version."""

    stage: Stage = NotAsked()
    hold: Hold | None = None
    released: int = 0

    @property
    def held(self) -> tuple[KeyClass, ...]:
        """The classes that may not be destroyed."""
        return () if self.hold is None else self.hold.classes


def evolve(erasure: Erasure, event: ErasureEvent, version: int) -> Erasure:
    """The erasure after one more event."""
    change = msgspec.structs.replace
    match event:
        case ErasureAsked(due=due, by=by):
            return change(erasure, stage=Waiting(due, by, version))
        case ErasureTakenBack():
            return change(erasure, stage=NotAsked(version))
        case ErasureBegun(effective_at=at, schedule=schedule):
            return change(erasure, stage=Begun(at, schedule, {}, version))
        case ErasureClassDestroyed(key_class=key_class, effective_at=at):
            begun = erasure.stage
            if not isinstance(begun, Begun):
                return erasure
            destroyed = {**begun.destroyed, key_class: at}
            return change(erasure, stage=change(begun, destroyed=destroyed))
        case LegalHoldPlaced(classes=classes):
            return change(erasure, hold=Hold(classes, version))
        case LegalHoldReleased():
            return change(erasure, hold=None, released=version)


ERASURE: Aggregate[Erasure] = Aggregate("erasure", Erasure(), evolve)


def erasure_stream(member: MemberId) -> StreamId:
    """The stream of a member's erasure, in the member's cell."""
    return StreamId(derive(cell_of(member), "erasure", member))


# Decisions


def ask(
    erasure: Erasure, member: MemberId, by: UUID, due: datetime, reason: Sealed[str] | None = None
) -> tuple[ErasureEvent, ...]:
    """Ask for it; asked for before, it stays due when it was."""
    match erasure.stage:
        case NotAsked():
            return (ErasureAsked(member, due, by, reason),)
        case Waiting() | Begun():
            return ()


def take_back(erasure: Erasure, member: MemberId, by: UUID) -> tuple[ErasureEvent, ...]:
    """
    Take it back; the member takes back what the member asked for.

    :raises Refused: erasure-begun: there is no way back; not-yours: compliance asked.
    """
    match erasure.stage:
        case NotAsked():
            return ()
        case Waiting(by=asked_by) if by == member != asked_by:
            raise Refused("not-yours", "You did not ask for it: write to whoever did.")
        case Waiting():
            return (ErasureTakenBack(member, by),)
        case Begun():
            raise Refused("erasure-begun", "There is no way back.")


def begin(
    erasure: Erasure, member: MemberId, due: datetime, terms: Terms
) -> tuple[ErasureEvent, ...]:
    """It falls due, if it still is to at that very moment."""
    if not isinstance(erasure.stage, Waiting) or erasure.stage.due != due:
        return ()
    return (_begun(erasure, member, due, terms, again=False),)


def _begun(
    erasure: Erasure, member: MemberId, at: datetime, terms: Terms, *, again: bool
) -> ErasureBegun:
    schedule = tuple(ClassDue(one, at + terms.retention(one)) for one in CLASSES)
    return ErasureBegun(member, at, schedule, erasure.held, again)


def begin_again(
    erasure: Erasure,
    member: MemberId,
    gone: Collection[KeyClass],
    at: datetime,
    terms: Terms,
) -> tuple[ErasureEvent, ...]:
    """
    Say of a member whose keys are destroyed what a log that is older than that does not say.

    :param gone: the classes whose keys are. A hold does not bring them back.
    """
    begun: tuple[ErasureEvent, ...] = ()
    if not isinstance(erasure.stage, Begun):
        begun = (_begun(erasure, member, at, terms, again=True),)
    stage = ERASURE.fold(begun, erasure).stage
    assert isinstance(stage, Begun)
    missing = [one.key_class for one in stage.left if one.key_class in gone]
    return (*begun, *(ErasureClassDestroyed(member, one, at) for one in missing))


def destroy(
    erasure: Erasure, member: MemberId, key_class: KeyClass, due: datetime
) -> tuple[ErasureEvent, ...]:
    """Destroy the keys of a class whose time has come, unless a hold is on it."""
    stage = erasure.stage
    if not isinstance(stage, Begun) or key_class in erasure.held:
        return ()
    is_due = any(one.key_class == key_class and one.due <= due for one in stage.left)
    return (ErasureClassDestroyed(member, key_class, due),) if is_due else ()


def place_hold(
    erasure: Erasure,
    member: MemberId,
    classes: Collection[KeyClass],
    reason: Sealed[str],
    by: UUID,
    at: datetime,
) -> tuple[ErasureEvent, ...]:
    """Keep some classes from being destroyed, and no others."""
    held = tuple(one for one in CLASSES if one in classes)
    if erasure.held == held:
        return ()
    freed = _freed(erasure, [one for one in erasure.held if one not in held], at)
    return (LegalHoldPlaced(member, held, reason, by, freed),)


def release_hold(
    erasure: Erasure, member: MemberId, by: UUID, at: datetime
) -> tuple[ErasureEvent, ...]:
    """End the hold: what is due is destroyed."""
    if erasure.hold is None:
        return ()
    return (LegalHoldReleased(member, by, _freed(erasure, erasure.held, at)),)


def _freed(erasure: Erasure, classes: Collection[KeyClass], at: datetime) -> tuple[ClassDue, ...]:
    """What is left of some classes, and when it is due; what would have been long ago, now."""
    stage = erasure.stage
    if not isinstance(stage, Begun):
        return ()
    return tuple(
        ClassDue(one.key_class, max(one.due, at)) for one in stage.left if one.key_class in classes
    )
