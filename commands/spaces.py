"""
Commands about spaces: certify one, withdraw that.
"""

import msgspec

from commands.relations import other_member
from commands.types import RealName
from commands.work import Outcome, Work
from domain import space as decisions
from domain.ids import MemberId, cell_of
from domain.sealed import KeyClass
from domain.space import SPACE, SpaceType, space_stream


class CertifySpace(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"certified_as": "type"}
):
    """What a space is certified as, and under which name."""

    certified_as: SpaceType
    name: RealName


async def certify(target: MemberId, command: CertifySpace, work: Work) -> Outcome:
    """Certify a member's space."""
    work.cell = cell_of(target)
    member = await other_member(work, target)
    stream = space_stream(member)
    space = await work.load(SPACE, stream)
    name = await work.vault.seal(member, KeyClass.CONTENT, command.name)
    digest = work.vault.blind("space", f"{member}/{command.name}")
    work.append(
        SPACE, stream, member, decisions.certify(space, member, command.certified_as, name, digest)
    )
    return Outcome(member, (stream, space.since))


async def withdraw_certification(target: MemberId, work: Work) -> Outcome:
    """Make it an ordinary space again."""
    work.cell = cell_of(target)
    member = await other_member(work, target)
    stream = space_stream(member)
    space = await work.load(SPACE, stream)
    work.append(SPACE, stream, member, decisions.withdraw_certification(space, member))
    return Outcome(member, (stream, space.since))
