"""
Scruples: who has no part in deciding a case, and what whoever decides it must have read.

A member of staff may be a member, too. What is theirs, and what they reported, is for somebody
else; and an appeal is for whoever took no part in what it is against.
"""

from uuid import UUID

from domain.case import Appeal, Case, Claimed, Matter, matter_of
from domain.event import Refused
from domain.ids import MemberId


def check_apart(matter: Matter, person: MemberId | None) -> None:
    """
    A case is for somebody whom it does not concern.

    :param person: the member that a member of staff is, too.
    :raises Refused: it is theirs, or they reported it, now or before.
    """
    if person is None:
        return
    if matter.subject.owner == person:
        raise Refused("same-person", "Nobody decides what is their own.")
    reported = any(one.reporter == person for one in matter.reports)
    if reported or any(person in one.reporters for one in matter.rulings):
        raise Refused("same-person", "You have reported it; somebody else has to decide.")


def check_impartial(matter: Matter, appeal: Appeal, by: UUID) -> None:
    """
    An appeal is for somebody who took no part in what it is against.

    :raises Refused: they did.
    """
    against = matter.ruling(appeal.against)
    if against is not None and by in against.deciders:
        raise Refused("same-person", "You took part in the decision that is appealed.")


def read_at(case: Case, by: UUID) -> int:
    """
    The subject's version that somebody has read who does not say which: what they found when they
    claimed the case, or else what it was opened about.
    """
    if isinstance(case, Claimed) and case.by == by:
        return case.on
    return matter_of(case).version


def check_read(said: int, read: int, version: int) -> None:
    """
    What is decided is what was read.

    :param said: the version of the subject that last changed what it says; ``version`` the current.
    :param read: the one that was read.
    :raises Refused: it says something else by now.
    """
    if not said <= read <= version:
        raise Refused("subject-changed", "It has been changed since it was read: read it again.")
