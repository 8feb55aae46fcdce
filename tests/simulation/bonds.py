"""
How members stand to each other, as events make it: friendships in halves, blocks, follows, lists.
"""

from uuid import UUID

from adapters.vault.memory import MemoryKeyVault
from domain.circle import (
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
)
from domain.event import Recorded
from domain.named_list import ListDeleted, ListSaved
from tests.simulation.legal import Illegal, Witness, must
from tests.simulation.world import Half


class Bonds(Witness):
    """What ties, lists and their ends make of the world."""

    def __init__(self, vault: MemoryKeyVault) -> None:
        super().__init__(vault)
        self._over: set[UUID] = set()

    def take_list(self, recorded: Recorded, event: ListSaved | ListDeleted) -> None:
        """A named list is as this says."""
        self.acts(recorded, event.owner)
        which, now = event.list, self.lists.get(event.list)
        on = frozenset() if now is None else now[2]
        if isinstance(event, ListSaved):
            must(which not in self._over, recorded, "a deleted list does not come back")
            must(event.removed == on - event.members, recorded, "it says who is off it")
            self.lists[which] = event.owner, self.open(event.name), event.members
        else:
            must(now is not None and event.removed == on, recorded, "it says who was on it")
            del self.lists[which]
            self._over.add(which)

    def take_tie(self, recorded: Recorded) -> None:
        """Half of a tie is as this says."""
        event = recorded.event
        member, other = event.member, event.other  # type: ignore[attr-defined]
        pair, half = (member, other), self.halves.get((member, other))
        theirs = self.halves.get((other, member))
        if recorded.actor == member:
            self.acts(recorded, member)
        match event:
            case FriendAsked(bond=bond):
                must(not self.apart(*pair), recorded, "nobody asks across a block")
                must(not self.friends(*pair), recorded, "friends do not ask")
                self.halves[pair] = Half("outgoing", bond)
            case FriendRequestReceived(bond=bond):
                asked = theirs is not None and theirs.offered == bond
                must(asked and pair not in self.blocks, recorded, "a request that stands")
                self.halves[pair] = Half("incoming", bond)
            case FriendAccepted(bond=bond):
                asked = theirs is not None and theirs.offered == bond
                must(asked and not self.apart(*pair), recorded, "what is accepted was asked for")
                self.halves[pair] = Half("friends", bond)
            case FriendConfirmed(bond=bond):
                asked = half is not None and (half.standing, half.bond) == ("outgoing", bond)
                must(asked, recorded, "what is confirmed was asked for")
                self.halves[pair] = Half("friends", bond)
            case FriendEnded(bond=bond) | FriendLapsed(bond=bond):
                if half is not None and half.bond == bond:
                    del self.halves[pair]
            case MemberBlocked():
                must(pair not in self.blocks, recorded, "blocked once")
                must(half is None and pair not in self.follows, recorded, "a block ends the rest")
                self.blocks.add(pair)
            case MemberUnblocked():
                must(pair in self.blocks, recorded, "it was blocked")
                # To who is forgotten everybody stays as if they were.
                self.blocks -= set() if self.people[member].erased else {pair}
            case SpaceFollowed():
                may = self.people[other].certified and not self.apart(*pair)
                must(may and pair not in self.follows, recorded, "a certified space, once")
                self.follows.add(pair)
            case SpaceUnfollowed():
                must(pair in self.follows, recorded, "it was followed")
                self.follows.discard(pair)
            case _:
                raise Illegal(f"{type(event).__name__} is new to the oracle")
