"""
Moves about what posts carry: polls and votes, who may comment, and mentions.
"""

import random
from datetime import timedelta

from commands.polls import AskPoll, CastVote
from commands.posts import EditPost, PublishPoll
from domain.post_events import Commenting
from tests.simulation.moves import Move, Mover
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.world import Person

#: Nobody has it.
_NOBODY = 10_999_999


class Carrier(Mover):
    """Thinks of these moves as well, and has texts mention somebody now and then."""

    def __init__(self, world: Oracle, chance: random.Random, clock: LoopClock, wary: float) -> None:
        super().__init__(world, chance, clock, wary)
        more = [*[self._ask] * 3, *[self._vote] * 5, *[self._limit] * 2]
        self._weighted = [*self._weighted, *more]

    def _text(self) -> str:
        said = super()._text()
        if self._chance.random() < 0.7:
            return said
        numbers = [one.qq for one in self._world.people.values()]
        return f"{said} @{self._chance.choice([*numbers, _NOBODY])} hm"

    def _ask(self, actor: Person) -> Move:
        audience, can = self._audience(actor)
        text, chance = Mover._text(self), self._chance
        options = [Mover._text(self) for _ in range(chance.randint(2, 3))]
        closes_at = None
        if chance.random() < 0.5:
            # Long after this round, and before the next: time leaps over it, if it does at all.
            closes_at = self._clock.now() + timedelta(minutes=chance.randint(10, 25))
        ask = AskPoll(options, chance.randint(1, 2), closes_at)
        body = PublishPoll(text, audience, ask, commenting=self._commenting())
        move = self._says(actor, "publish_post", can, body=body, text=text)
        if not self._passes(actor, " ".join([text, *options])):
            move = self._move(actor, "publish_post", False, body=body, text=text)
        return move

    def _vote(self, actor: Person) -> Move | None:
        polls = [one for one in self._world.pieces.values() if one.poll is not None]
        piece = self._chance.choice(polls[-8:]) if polls and self._chance.random() < 0.9 else None
        piece = piece or self._piece()
        if piece is None:
            return None
        options = self._chance.sample(range(3), self._chance.randint(1, 2))
        may = self._world.meets(actor.id, piece) and piece.poll is not None
        if may and piece.poll is not None:
            poll = piece.poll
            may = len(options) <= poll.choose and max(options) < len(poll.options)
            may = may and not self._world.closed(poll)
        return self._move(actor, "vote", may, path={"id": piece.id}, body=CastVote(options))

    def _limit(self, actor: Person) -> Move | None:
        piece = self._piece(self._chance.choice([actor.id, actor.id, None]))
        if piece is None:
            return None
        may = piece.live and piece.author == actor.id and actor.publishes
        body = EditPost(commenting=self._commenting())
        return self._move(actor, "edit_post", may, path={"id": piece.id}, body=body)

    def _commenting(self) -> Commenting:
        choices: list[Commenting] = ["everyone", "friends", "nobody"]
        return self._chance.choices(choices, [3, 2, 1])[0]
