"""
Which events arm and disarm which deadlines.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from uuid import UUID

from domain.account_events import AccountOpened, AccountReinstated, AccountSuspended
from domain.badge import DAYS, BadgeAwarded
from domain.case_events import (
    CaseAppealed,
    CaseClaimed,
    CaseClaimLapsed,
    CaseDecided,
    CaseEscalated,
    CaseMooted,
    CaseOpened,
    CaseOverdue,
    CaseProposed,
    CaseReleased,
    CaseReported,
    CaseSubjectChanged,
)
from domain.erasure import (
    ClassDue,
    ErasureAsked,
    ErasureBegun,
    ErasureClassDestroyed,
    ErasureTakenBack,
    LegalHoldPlaced,
    LegalHoldReleased,
)
from domain.event import Event, Recorded
from domain.ids import cell_of, derive
from domain.post_events import PostDeleted, PostHeld, PostPollClosed, PostPublished
from domain.retention import ContentDestroyed, ContentRetained
from domain.rulebook import LevelEnded, LevelRaised
from domain.standing_events import (
    SanctionImposed,
    SanctionLifted,
    StrikeExpired,
    StrikeGiven,
    StrikeReversed,
)
from projections.coin_deadlines import OF_COINS
from projections.engine.deadlines import Arm, Arming, Disarm


def _suspended(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, AccountSuspended)
    # What a decision imposed ends with its sanction.
    if event.until is not None and event.decision is None:
        yield Arm(event.suspension, event.until, "suspension-ends", event.member)


def _reinstated(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, AccountReinstated)
    yield Disarm(event.suspension)


def _claim(recorded: Recorded) -> UUID:
    return derive(recorded.cell, "claim", recorded.stream)


def _promise(recorded: Recorded) -> UUID:
    return derive(recorded.cell, "promise", recorded.stream)


def _promised(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CaseOpened | CaseAppealed)
    if isinstance(event, CaseAppealed) and event.beside:
        # What is newer goes first, with its own promise and whoever is at it.
        return
    yield Arm(_promise(recorded), event.promise.due, "promise-due", recorded.stream)
    yield Disarm(_claim(recorded))


def _hastened(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CaseReported | CaseSubjectChanged)
    if event.sooner is not None:
        yield Arm(_promise(recorded), event.sooner.due, "promise-due", recorded.stream)


def _claimed(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CaseClaimed)
    yield Arm(_claim(recorded), event.until, "claim-lapses", recorded.stream)


def _unclaimed(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(_claim(recorded))


def _overdue(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(_promise(recorded))


def _closed(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(_claim(recorded))
    yield Disarm(_promise(recorded))


def _decided(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, CaseDecided)
    yield Disarm(_claim(recorded))
    remaining = event.goes_on
    if remaining is None or remaining.overdue:
        yield Disarm(_promise(recorded))
    else:
        yield Arm(_promise(recorded), remaining.promise.due, "promise-due", recorded.stream)


def _struck(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, StrikeGiven)
    yield Arm(event.strike, event.expires_at, "strike-expires", event.member)


def _unstruck(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, StrikeExpired | StrikeReversed)
    yield Disarm(event.strike)


def _sanctioned(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, SanctionImposed)
    if event.until is not None:
        yield Arm(event.sanction, event.until, "sanction-ends", event.member)


def _lifted(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, SanctionLifted)
    yield Disarm(event.sanction)


def _raised(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LevelRaised)
    # There is one level: a later raising's end takes the place of an earlier one's.
    yield Arm(recorded.stream, event.until, "level-ends", recorded.stream)


def _lowered(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LevelEnded)
    yield Disarm(recorded.stream)


def _asked(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, PostPublished | PostHeld)
    # Also of one that waits: its time runs, and whoever approves it may be too late for it.
    if event.poll is not None and event.poll.closes_at is not None:
        yield Arm(recorded.stream, event.poll.closes_at, "poll-closes", recorded.stream)


def _asked_no_longer(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(recorded.stream)


def _retained(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, ContentRetained)
    yield Arm(recorded.stream, event.until, "retention-ends", recorded.stream)


def _not_retained(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(recorded.stream)


def _opened(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, AccountOpened)
    for badge, rule in DAYS.items():
        due = recorded.recorded_at + timedelta(days=rule.days)
        yield Arm(_badge(event.member, badge), due, badge, event.member)


def _awarded(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, BadgeAwarded)
    if event.badge in DAYS:
        yield Disarm(_badge(event.member, event.badge))


def _badge(member: UUID, badge: str) -> UUID:
    return derive(cell_of(member), "badge-due", member, badge.encode())


def _forgotten_at(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, ErasureAsked)
    yield Arm(_erasure(recorded, "due"), event.due, "erasure-due", event.member)


def _not_forgotten(recorded: Recorded) -> Iterator[Arm | Disarm]:
    yield Disarm(_erasure(recorded, "due"))


def _forgotten(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, ErasureBegun)
    yield Disarm(_erasure(recorded, "due"))
    free = [one for one in event.schedule if one.key_class not in event.held]
    yield from _destroyed_at(recorded, event.member, free)


def _held(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LegalHoldPlaced)
    for key_class in event.classes:
        yield Disarm(_erasure(recorded, key_class.value))
    yield from _destroyed_at(recorded, event.member, event.freed)


def _held_no_longer(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, LegalHoldReleased)
    yield from _destroyed_at(recorded, event.member, event.freed)


def _destroyed(recorded: Recorded) -> Iterator[Arm | Disarm]:
    event = recorded.event
    assert isinstance(event, ErasureClassDestroyed)
    yield Disarm(_erasure(recorded, event.key_class.value))


def _destroyed_at(recorded: Recorded, member: UUID, due: Iterable[ClassDue]) -> Iterator[Arm]:
    for one in due:
        name = one.key_class.value
        yield Arm(_erasure(recorded, name), one.due, f"erasure-{name}", member)


def _erasure(recorded: Recorded, what: str) -> UUID:
    return derive(recorded.cell, "erasure-due", recorded.stream, what.encode())


ARMING: Mapping[type[Event], Arming] = {
    AccountOpened: _opened,
    BadgeAwarded: _awarded,
    AccountSuspended: _suspended,
    AccountReinstated: _reinstated,
    CaseOpened: _promised,
    CaseAppealed: _promised,
    CaseReported: _hastened,
    CaseSubjectChanged: _hastened,
    CaseClaimed: _claimed,
    CaseClaimLapsed: _unclaimed,
    CaseReleased: _unclaimed,
    CaseEscalated: _unclaimed,
    CaseProposed: _unclaimed,
    CaseOverdue: _overdue,
    CaseDecided: _decided,
    CaseMooted: _closed,
    StrikeGiven: _struck,
    StrikeExpired: _unstruck,
    StrikeReversed: _unstruck,
    SanctionImposed: _sanctioned,
    SanctionLifted: _lifted,
    LevelRaised: _raised,
    LevelEnded: _lowered,
    PostPublished: _asked,
    PostHeld: _asked,
    PostPollClosed: _asked_no_longer,
    PostDeleted: _asked_no_longer,
    ContentRetained: _retained,
    ContentDestroyed: _not_retained,
    ErasureAsked: _forgotten_at,
    ErasureTakenBack: _not_forgotten,
    ErasureBegun: _forgotten,
    ErasureClassDestroyed: _destroyed,
    LegalHoldPlaced: _held,
    LegalHoldReleased: _held_no_longer,
    **OF_COINS,
}
