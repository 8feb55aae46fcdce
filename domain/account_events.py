"""
What happens to an account and to the number that it is known by.
"""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.event import Event
from domain.ids import CaseId, DecisionId, MemberId
from domain.promise import Promise
from domain.screening import Screening, Wait
from domain.sealed import Sealed


class Identity(msgspec.Struct, frozen=True):
    """Who a member is, sealed whole."""

    qq: Sealed[str]
    nickname: Sealed[str]
    real_name: Sealed[str]
    birth_date: Sealed[str]


#: What an account is with all that stands taken together. Events say it of the account after them,
#: because a read model sees one event at a time.
AccountStatus: TypeAlias = Literal["active", "suspended", "banned"]


# Events


class NumberClaimed(Event, frozen=True, tag="number.claimed.v1"):
    """A QQ number belongs to a member from now on."""

    member: MemberId
    identity: Identity


class AccountOpened(Event, frozen=True, tag="account.opened.v1"):
    """The member may act."""

    member: MemberId
    identity: Identity


class NicknameChanged(Event, frozen=True, tag="account.nickname_changed.v1"):
    """The name others see."""

    member: MemberId
    nickname: Sealed[str]


class AccountSuspended(Event, frozen=True, tag="account.suspended.v1"):
    """
    The member may not act, nor read, until reinstated; with ``until``, a timer does that.
    ``decision`` is its cause, unless an operator did it: the two stand beside each other, and
    beneath a ban.
    """

    member: MemberId
    suspension: UUID
    reason: Sealed[str]
    until: datetime | None
    decision: DecisionId | None = None
    status: AccountStatus = "suspended"


class AccountReinstated(Event, frozen=True, tag="account.reinstated.v1"):
    """This suspension is over, from ``effective_at`` on; ``status`` says whether another stands."""

    member: MemberId
    suspension: UUID
    effective_at: datetime
    status: AccountStatus = "active"


class NicknameHeld(Event, frozen=True, tag="account.nickname_held.v1"):
    """A name that others may see once somebody has decided so; until then they see the old one."""

    member: MemberId
    nickname: Sealed[str]
    how: Wait
    screening: Screening
    promise: Promise


class NicknameRefused(Event, frozen=True, tag="account.nickname_refused.v1"):
    """A name that was not taken."""

    member: MemberId
    nickname: Sealed[str]
    screening: Screening


class NicknameFlagged(Event, frozen=True, tag="account.nickname_flagged.v1"):
    """The name is seen, and somebody is to look at it. Follows the event that set it."""

    member: MemberId
    screening: Screening


class NicknameApproved(Event, frozen=True, tag="account.nickname_approved.v1"):
    """The name that waited is the one others see."""

    member: MemberId
    nickname: Sealed[str]
    case: CaseId
    decision: DecisionId


class NicknameRejected(Event, frozen=True, tag="account.nickname_rejected.v1"):
    """The name that waited will not be seen."""

    member: MemberId
    case: CaseId
    decision: DecisionId


class NicknameWithdrawn(Event, frozen=True, tag="account.nickname_withdrawn.v1"):
    """The name is seen no longer; ``nickname`` is what others see instead, the QQ number."""

    member: MemberId
    nickname: Sealed[str]
    case: CaseId
    decision: DecisionId


class NicknameRestored(Event, frozen=True, tag="account.nickname_restored.v1"):
    """The name that was withdrawn is seen again."""

    member: MemberId
    nickname: Sealed[str]
    case: CaseId
    decision: DecisionId


class AccountRestricted(Event, frozen=True, tag="account.restricted.v1"):
    """The member may read, but publish nothing, until then."""

    member: MemberId
    restriction: UUID
    until: datetime
    decision: DecisionId


class RestrictionEnded(Event, frozen=True, tag="account.restriction_ended.v1"):
    """The member may publish again, from ``effective_at`` on."""

    member: MemberId
    restriction: UUID
    effective_at: datetime


class AccountBanned(Event, frozen=True, tag="account.banned.v1"):
    """The member may neither act nor read, for good."""

    member: MemberId
    ban: UUID
    decision: DecisionId


class BanLifted(Event, frozen=True, tag="account.ban_lifted.v1"):
    """The ban was a mistake. It is ``suspended`` where an operator's suspension goes on."""

    member: MemberId
    ban: UUID
    decision: DecisionId
    status: AccountStatus = "active"


class AccountErased(Event, frozen=True, tag="account.erased.v1"):
    """
    The member is forgotten: from here on they are not there for anybody, and neither is anything of
    theirs. The number is given to nobody again.
    """

    member: MemberId


NumberEvent: TypeAlias = NumberClaimed
AccountEvent: TypeAlias = (
    AccountOpened
    | NicknameChanged
    | AccountSuspended
    | AccountReinstated
    | NicknameHeld
    | NicknameRefused
    | NicknameFlagged
    | NicknameApproved
    | NicknameRejected
    | NicknameWithdrawn
    | NicknameRestored
    | AccountRestricted
    | RestrictionEnded
    | AccountBanned
    | BanLifted
    | AccountErased
)
