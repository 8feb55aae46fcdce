"""
What may stand: an event that should never have been committed is illegal, whoever let it through.
"""

from typing import Any
from uuid import UUID

from adapters.vault.memory import MemoryKeyVault
from api.forgetting import FORGET_MEMBERS
from domain.event import Recorded
from domain.ids import derive
from tests.simulation.world import World

#: In whose name the house takes away what is left of a member.
FORGETTER = derive(0, "policy", FORGET_MEMBERS.encode())


class Illegal(AssertionError):
    """An event that should never have been committed."""


def must(holds: bool, recorded: Recorded, rule: str) -> None:
    """
    Hold an event against a rule.

    :raises Illegal: it breaks it.
    """
    if not holds:
        raise Illegal(f"{recorded.at} {type(recorded.event).__name__}: {rule}")


class Witness(World):
    """The world, as somebody sees it who can read what is sealed."""

    def __init__(self, vault: MemoryKeyVault) -> None:
        super().__init__()
        self._vault = vault

    def open(self, sealed: Any) -> str:
        """What is sealed."""
        text = self._vault.open(sealed)
        assert text is not None
        return text

    def say(self, recorded: Recorded, sealed: Any) -> str:
        """What an event says for the first time, and nothing may say again."""
        text = self.open(sealed)
        must(text not in self.said, recorded, "what is retried is done once")
        self.said[text] = recorded.at
        return text

    def acts(self, recorded: Recorded, member: UUID) -> None:
        """A member did this."""
        person = self.people.get(member)
        # Who is forgotten acts no more; what goes of theirs goes by the house's hand.
        active = person is not None and (person.erased or person.barred is None)
        must(active, recorded, "only who is neither suspended nor banned acts")

    def goes(self, member: UUID, taken: str | None, *, live: bool) -> bool:
        """Whether it can be deleted: of who is forgotten, what was taken down as well."""
        return live or (taken is not None and self.people[member].erased)

    def stops(self, recorded: Recorded, member: UUID) -> None:
        """A member ended something, or let it rest."""
        there = member in self.people and self.people[member].barred != "banned"
        must(there, recorded, "who is banned ends nothing")

    def publishes(self, recorded: Recorded, member: UUID) -> None:
        """A member said this, or had more people see it."""
        self.acts(recorded, member)
        free = self.people[member].restricted is None
        must(free, recorded, "who is restricted publishes nothing")
