"""
Members: how each is shown, and whether each may act. Written inline, so a suspension holds and a
new nickname shows from their commit on.

Whatever is a member's is read together with this row, be it a post, a photo or a visit. So where
there is no row, nothing of theirs is there for anybody: whoever is erased is gone at that commit,
before a single item has been deleted.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from domain.account_events import (
    AccountBanned,
    AccountErased,
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    BanLifted,
    NicknameApproved,
    NicknameChanged,
    NicknameRestored,
    NicknameWithdrawn,
)
from domain.consent import ConsentGiven, ConsentWithdrawn
from domain.decoration import DecorationChanged, DecorationRestored
from domain.event import Recorded
from domain.ids import MemberId
from domain.space import CertificationWithdrawn, SpaceCertified
from projections.rows import Change, Drop, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key, sealed

MEMBERS = Table(
    "members",
    METADATA,
    cell(),
    key("member"),
    sealed("qq"),
    sealed("nickname"),
    Column("status", Text, nullable=False),
    Column("certified_as", Text),
    sealed("certified_name", nullable=True),
    Column("joined_at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("decorated", Boolean, nullable=False),
    Column("location_consent", Boolean, nullable=False),
)

CERTIFICATION_HISTORY = Table(
    "certification_history",
    METADATA,
    cell(),
    key("member"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("certified", Boolean, nullable=False),
    Column("at", MOMENT, nullable=False),
    info={"append_only": True},
)


class Members:
    """The read model."""

    name = "members"
    tables = (MEMBERS, CERTIFICATION_HISTORY)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        match event:
            case AccountOpened(member=member, identity=identity):
                values = {
                    "qq": identity.qq.envelope,
                    "nickname": identity.nickname.envelope,
                    "status": "active",
                    "certified_as": None,
                    "certified_name": None,
                    "joined_at": recorded.recorded_at,
                    "position": recorded.position,
                    "decorated": False,
                    "location_consent": False,
                }
                yield Put(MEMBERS, (recorded.cell, member), values)
            case (
                NicknameChanged(member=member, nickname=nickname)
                | NicknameApproved(member=member, nickname=nickname)
                | NicknameWithdrawn(member=member, nickname=nickname)
                | NicknameRestored(member=member, nickname=nickname)
            ):
                yield Patch(MEMBERS, (recorded.cell, member), {"nickname": nickname.envelope})
            case AccountSuspended() | AccountReinstated() | BanLifted():
                yield Patch(MEMBERS, (recorded.cell, event.member), {"status": event.status})
            case AccountBanned(member=member):
                yield Patch(MEMBERS, (recorded.cell, member), {"status": "banned"})
            case AccountErased(member=member):
                yield Drop(MEMBERS, (recorded.cell, member))
            case SpaceCertified(member=member, certified_as=certified_as, name=name):
                certified = {"certified_as": certified_as, "certified_name": name.envelope}
                yield Patch(MEMBERS, (recorded.cell, member), certified)
                yield _past(recorded, member, True)
            case CertificationWithdrawn(member=member):
                ordinary = {"certified_as": None, "certified_name": None}
                yield Patch(MEMBERS, (recorded.cell, member), ordinary)
                yield _past(recorded, member, False)
            # Most spaces look like everybody's, and are read without asking how.
            case DecorationChanged(member=member):
                yield Patch(MEMBERS, (recorded.cell, member), {"decorated": True})
            case DecorationRestored(member=member):
                yield Patch(MEMBERS, (recorded.cell, member), {"decorated": False})
            case ConsentGiven(member=member, purpose="location"):
                yield Patch(MEMBERS, (recorded.cell, member), {"location_consent": True})
            case ConsentWithdrawn(member=member, purpose="location"):
                yield Patch(MEMBERS, (recorded.cell, member), {"location_consent": False})
            case _:
                return


def _past(recorded: Recorded, member: MemberId, certified: bool) -> Change:
    values = {"certified": certified, "at": recorded.recorded_at}
    return Put(CERTIFICATION_HISTORY, (recorded.cell, member, recorded.position), values)
