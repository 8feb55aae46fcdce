"""
What members do on each other's pages: come by, write on boards, and say for whom theirs is.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from commands.homes import ChangeHome, SectionPrivacy
from commands.messages import WriteMessage
from commands.visits import Visit
from domain.ids import cell_of
from tests.simulation.moves import RULE_WORDS, Move
from tests.simulation.oracle import Oracle
from tests.simulation.world import Note, Person

_WHOM = ("public", "friends", "only_me")


class Callers:
    """
    Thinks of moves about pages.

    :param wary: how likely a text has a word that rules may look for.
    """

    def __init__(self, world: Oracle, chance: random.Random, wary: float) -> None:
        self._world = world
        self._chance = chance
        self._wary = wary
        self._words = 0
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._visit] * 5,
            *[self._write] * 6,
            *[self._arrange] * 4,
            *[self._delete] * 2,
            self._remove,
        ]

    def next(self, actor: Person) -> Move | None:
        """A move; None when there is nothing that it could be about."""
        return self._chance.choice(self._weighted)(actor)

    def _anybody(self) -> Person:
        return self._chance.choice(list(self._world.people.values()))

    def _move(self, actor: Person, operation: str, may: bool | None, **more: Any) -> Move:
        granted = may if actor.barred is None else False
        return Move(operation, actor.id, actor.qq, granted, **more)

    def _visit(self, actor: Person) -> Move:
        owner, unseen = self._anybody(), self._chance.random() < 0.2
        may: bool | None = not self._world.apart(actor.id, owner.id)
        if may and unseen:
            # Who never had a membership may not; of others it depends on the moment.
            tenure = self._world.treasury.tenures.tenure(actor.id, "yellow")
            may = None if tenure.benefits_until is not None else False
        path = {"qq": owner.qq}
        return self._move(actor, "visit_space", may, path=path, body=Visit(unseen))

    def _remove(self, actor: Person) -> Move:
        visitor = self._anybody()
        may = (actor.id, visitor.id) in self._world.guests
        return self._move(actor, "remove_visitor", may, path={"qq": visitor.qq})

    def _arrange(self, actor: Person) -> Move:
        chance = self._chance
        sections = chance.sample(["posts", "visitors", "messages", "albums"], 2)
        said: dict[str, Any] = {one: chance.choice(_WHOM) for one in sections}
        privacy = SectionPrivacy(**said)
        body = ChangeHome(privacy=privacy)
        if chance.random() < 0.3:
            writers: Any = chance.choice(["public", "friends", "nobody"])
            body = ChangeHome(privacy=privacy, board=writers)
        return self._move(actor, "arrange_space", True, body=body)

    def _write(self, actor: Person) -> Move:
        """Something that nobody has said before, now and then an answer, or a word of the rules."""
        world, owner = self._world, self._anybody()
        self._words += 1
        # No other move's texts begin with so many words.
        text = f"w{1_000_000 + self._words}ends"
        if self._chance.random() < self._wary:
            text = f"{text} {self._chance.choice(RULE_WORDS)}"
        notes = [one for one in world.notes.values() if one.space == owner.id]
        answered = self._chance.choice([None, *notes[-3:]])
        may = world.may_write(actor.id, owner.id) and actor.publishes
        may = may and world.rules.outcome(cell_of(actor.id), text) != "refused"
        if answered is not None:
            may = may and answered.published and world.reads(actor.id, answered)
        body = WriteMessage(text, None if answered is None else answered.id)
        path = {"qq": owner.qq}
        return self._move(actor, "write_message", may, path=path, body=body, text=text)

    def _delete(self, actor: Person) -> Move | None:
        notes: list[Note] = list(self._world.notes.values())[-12:]
        if not notes:
            return None
        note = self._chance.choice(notes)
        may = actor.id in (note.author, note.space) and note.taken != "held"
        if note.live and note.waits is not None:
            may = actor.id == note.author
        return self._move(actor, "delete_message", may, path={"id": note.id})
