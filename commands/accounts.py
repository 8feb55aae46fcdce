"""
Commands about accounts: claim a number, open, change the profile, suspend, reinstate.
"""

from datetime import UTC, date, timedelta

import msgspec

from commands.consents import settle_consent
from commands.directory import Directory
from commands.referrals import changed, nothing_to_decide, published_as
from commands.relations import acting_member, publishing_member
from commands.types import QQ, Moment, Nickname, RealName, Reason
from commands.work import Outcome, Work
from domain import account as decisions
from domain import suspensions
from domain.account import ACCOUNT, NUMBER, Account, Nobody, account_stream, status_of
from domain.account_events import AccountEvent, Identity
from domain.case_events import Subject
from domain.casework import UNSEEN
from domain.event import Refused
from domain.ids import MemberId, StreamId, cell_of
from domain.sanctions import settle
from domain.sealed import KeyClass
from domain.standing import STANDING, standing_stream

EARLIEST_BIRTH = date(1900, 1, 1)
#: Calendars end: a moment of the year 9999 is of the year 10000 elsewhere on Earth.
SUSPENSION_MAX = timedelta(days=36_525)


class RegisterAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give a QQ number an account."""

    qq: QQ
    nickname: Nickname
    real_name: RealName
    birth_date: date


class ChangeProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Change what is named. `location_consent` records whether what you publish may say where you
    are; taken back, it holds from then on.
    """

    nickname: Nickname | msgspec.UnsetType = msgspec.UNSET
    location_consent: bool | msgspec.UnsetType = msgspec.UNSET


class SuspendAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator suspends a member; with ``until``, the suspension ends by itself."""

    reason: Reason
    until: Moment | None = None


class OpenAccount(msgspec.Struct, frozen=True):
    """A policy's command: open the account that a claimed number promises."""

    member: MemberId
    identity: Identity


class ReinstateAccount(msgspec.Struct, frozen=True):
    """An operator's or a timer's command: end the operator's suspension (the timer's: that one)."""

    member: MemberId
    suspension: StreamId | None = None


class AccountHandlers:
    """The handlers, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def register(self, command: RegisterAccount, work: Work) -> Outcome:
        """Claim the number, in the directory cell; a policy opens the account in the member's."""
        work.cell = decisions.DIRECTORY_CELL
        if not EARLIEST_BIRTH <= command.birth_date <= work.context.effective_at.date():
            raise Refused("birth-date", "Not a birth date of anyone alive.", "/birth_date")
        stream = self._directory.stream(command.qq)
        number = await work.load(NUMBER, stream)
        member = MemberId(work.mint(work.pick_cell()))
        found = await work.screen(work.cell, {"nickname": command.nickname})
        if found is not None and found.outcome not in ("published", "flagged"):
            # Nobody waits with an account for a name: whoever opens it gives another.
            raise Refused("not-published", "This nickname cannot be shown.", "/nickname")
        # Asked before anything is sealed: whoever had it may have been forgotten.
        decisions.check_unclaimed(number)
        identity = Identity(
            qq=await work.vault.seal(member, KeyClass.IDENTITY, str(command.qq)),
            nickname=await work.vault.seal(member, KeyClass.IDENTITY, command.nickname),
            real_name=await work.vault.seal(member, KeyClass.IDENTITY, command.real_name),
            birth_date=await work.vault.seal(
                member, KeyClass.IDENTITY, command.birth_date.isoformat()
            ),
        )
        events = decisions.claim(number, member, identity)
        work.append(NUMBER, stream, member, events)
        return Outcome(member, (stream, 1), status=201)

    async def open(self, command: OpenAccount, work: Work) -> Outcome:
        """Open an account."""
        stream = account_stream(command.member)
        account = await work.load(ACCOUNT, stream)
        events = decisions.open_account(account, command.member, command.identity)
        work.append(ACCOUNT, stream, command.member, events)
        return Outcome(command.member, (stream, 1))

    async def change_profile(self, command: ChangeProfile, work: Work) -> Outcome:
        """Change one's nickname, and what one consents to."""
        member = await acting_member(work)
        stream = account_stream(member)
        outcome = Outcome(member, (stream, work.version(stream)))
        if command.nickname is not msgspec.UNSET:
            outcome = await self._rename(command.nickname, work)
        if command.location_consent is not msgspec.UNSET and outcome.refused is None:
            agrees = command.location_consent
            settled = await settle_consent(work, member, "location", agrees=agrees)
            if command.nickname is msgspec.UNSET:
                return Outcome(member, settled)
        return outcome

    async def _rename(self, name: str, work: Work) -> Outcome:
        member = await publishing_member(work)
        stream = account_stream(member)
        account = await work.load(ACCOUNT, stream)
        waited = decisions.acting(account).names.pending is not None
        found = await work.screen(cell_of(member), {"nickname": name})
        nickname = await work.vault.seal(member, KeyClass.IDENTITY, name)
        events = decisions.change_nickname(account, nickname, found)
        work.append(ACCOUNT, stream, member, events)
        version = work.version(stream) + len(events)
        subject = Subject("nickname", member, member)
        state, refused = await published_as(work, subject, found, version)
        settled = False
        if found is None and waited:
            settled = await nothing_to_decide(work, subject, "replaced", UNSEEN)
        if events and not settled and refused is None:
            await changed(work, subject, found, version)
        return Outcome(member, (stream, version - len(events) + 1), state=state, refused=refused)

    async def suspend(self, target: MemberId, command: SuspendAccount, work: Work) -> Outcome:
        """Suspend a member."""
        work.cell = work.cell_of(target)
        until, now = command.until, work.context.effective_at
        if until is not None and until <= now:
            raise Refused("in-the-past", "A suspension ends in the future.", "/until")
        if until is not None and until > now + SUSPENSION_MAX:
            raise Refused("too-far-ahead", "A suspension may last a hundred years.", "/until")
        if until is not None:
            # Offsets as large as RFC 3339 has them mean nothing to a database.
            until = until.astimezone(UTC)
        stream = account_stream(target)
        account = await work.load(ACCOUNT, stream)
        reason = await work.vault.seal(target, KeyClass.MODERATION, command.reason)
        suspension = work.mint(work.cell)
        events = suspensions.suspend(account, suspension, reason, until)
        return _answered(work, target, account, events)

    async def reinstate(self, command: ReinstateAccount, work: Work) -> Outcome:
        """End an operator's suspension. Those that decisions imposed go on until they are over."""
        member, stream = command.member, account_stream(command.member)
        work.cell = work.cell_of(member)
        at = work.context.effective_at
        account = await work.load(ACCOUNT, stream)
        events = suspensions.reinstate(account, at, command.suspension)
        # Where an account had but one suspension, a decision's waited beneath the operator's.
        standing = await work.load(STANDING, standing_stream(member))
        settled = settle(ACCOUNT.fold(events, account), standing, (), at)
        return _answered(work, member, account, (*events, *settled))


def _answered(
    work: Work, member: MemberId, account: Account, events: tuple[AccountEvent, ...]
) -> Outcome:
    """Append, and say what the account is from then on, with all that stands."""
    stream = account_stream(member)
    work.append(ACCOUNT, stream, member, events)
    after = ACCOUNT.fold(events, account)
    assert not isinstance(after, Nobody), "nobody was refused"
    since = 0 if isinstance(account, Nobody) else account.since
    return Outcome(member, (stream, since), state=status_of(after))
