"""
What members and operators do: each move is a request, and what the oracle says of it.

A move is worded from the oracle's present, so that most of them are about something, and some about
what is just being taken away. ``granted`` says whether it must be done if nothing else happens
meanwhile; None that both may be.
"""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from commands.accounts import ChangeProfile, SuspendAccount
from commands.comments import WriteComment
from commands.lists import SaveList
from commands.posts import EditPost, PublishDiary, PublishShare, PublishShuoshuo
from commands.spaces import CertifySpace
from commands.types import AudienceChoice, ToFriends, ToList, ToOnlyMe, ToPublic
from domain.ids import cell_of
from domain.post_events import PostKind
from domain.space import SpaceType
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.world import Person, Piece

LISTS = ("family", "class of 2008")
OPERATOR = 10_000
#: Words that were made up for rules to look for.
RULE_WORDS = ("zorblat", "quimble", "snarvex", "plofwin", "drabnok")


class Move(msgspec.Struct, frozen=True):
    """
    A request that changes something: a member's, or staff's where there is no ``actor``.

    :param granted: None where either may be.
    :param text: what it says for the first and only time.
    :param of_money: it moves coins, or may: it is asked with a key, and perhaps again.
    """

    operation: str
    actor: UUID | None
    qq: int
    granted: bool | None
    path: dict[str, Any] = {}
    body: Any = None
    text: str | None = None
    staff: str = "operator"
    of_money: bool = False

    @property
    def role(self) -> str:
        """Of whoever makes it."""
        return self.staff if self.actor is None else "member"


class Mover:
    """
    Thinks of moves of members and operators.

    :param clock: whose time suspensions are said in.
    :param wary: how likely a text has a word that rules may look for.
    """

    def __init__(self, world: Oracle, chance: random.Random, clock: LoopClock, wary: float) -> None:
        self._world = world
        self._chance = chance
        self._clock = clock
        self._wary = wary
        self._words = 0
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._publish] * 7,
            *[self._comment] * 5,
            *[self._like] * 4,
            *[self._befriend] * 5,
            *[self._change_audience] * 4,
            *[self._save_list, self._reword] * 3,
            *[self._share, self._edit, self._delete, self._unlike, self._delete_comment] * 2,
            *[self._unfriend, self._block, self._unblock, self._follow] * 2,
            *[self._unfollow, self._delete_list, self._rename],
            *[self._certify, self._suspend, self._suspend, self._reinstate],
        ]

    def next(self, actor: Person) -> Move:
        """A move of a member, or of the operator that the member's day brings up."""
        while True:
            move = self._chance.choice(self._weighted)(actor)
            if move is not None:
                return move

    # Of a member

    def _text(self) -> str:
        """What nobody has said before, now and then with a word that rules may look for."""
        self._words += 1
        unique = f"w{self._words}ends"
        found = self._chance.random() < self._wary
        return f"{unique} {self._chance.choice(RULE_WORDS)}" if found else unique

    def _passes(self, actor: Person, text: str) -> bool:
        """Whether a text is not refused as the rules are."""
        return self._world.rules.outcome(cell_of(actor.id), text) != "refused"

    def _other(self, actor: Person) -> Person:
        others = [one for one in self._world.people.values() if one.id != actor.id]
        return self._chance.choice(others or [actor])

    def _piece(self, whose: UUID | None = None) -> Piece | None:
        pieces = [
            one for one in self._world.pieces.values() if whose is None or one.author == whose
        ]
        return self._chance.choice(pieces[-12:]) if pieces else None

    def _move(self, actor: Person, operation: str, may: bool, **more: Any) -> Move:
        granted = may and actor.barred is None
        return Move(operation, actor.id, actor.qq, granted, **more)

    def _says(self, actor: Person, operation: str, may: bool, **more: Any) -> Move:
        """Something that is published, and screened before."""
        may = may and actor.publishes and self._passes(actor, more["text"])
        return self._move(actor, operation, may, **more)

    def _audience(self, actor: Person) -> tuple[AudienceChoice, bool]:
        """For whom; and whether that can be said."""
        chance, people = self._chance, self._world.people
        kinds = ["public", "public", "friends", "friends", "only_me", "given", "list", "list"]
        mine = [name for owner, name, _ in self._world.lists.values() if owner == actor.id]
        kind = chance.choice(kinds if mine or chance.random() < 0.2 else kinds[:-2])
        match kind:
            case "public":
                return ToPublic(), True
            case "friends":
                return ToFriends(), True
            case "only_me":
                return ToOnlyMe(), True
            case "given":
                some = chance.sample(sorted(one.qq for one in people.values()), min(2, len(people)))
                return ToList(some), True
            case _:
                name = chance.choice(LISTS)
                return ToList(name=name), name in mine

    def _publish(self, actor: Person) -> Move:
        audience, can = self._audience(actor)
        text = self._text()
        kind: PostKind = self._chance.choice(["shuoshuo", "shuoshuo", "diary"])
        body: Any = PublishShuoshuo(text, audience)
        if kind == "diary":
            body = PublishDiary("title", text, audience)
        return self._says(actor, "publish_post", can, body=body, text=text)

    def _share(self, actor: Person) -> Move | None:
        piece = self._piece()
        if piece is None:
            return None
        audience, can = self._audience(actor)
        text = self._text()
        meets = self._world.meets(actor.id, piece)
        meets = meets and self._world.meets(actor.id, piece.original or piece)
        body = PublishShare(piece.id, audience, text)
        return self._says(actor, "publish_post", can and meets, body=body, text=text)

    def _edit(self, actor: Person) -> Move | None:
        piece = self._piece(self._chance.choice([actor.id, actor.id, None]))
        return None if piece is None else self._reworded(actor, piece)

    def _reword(self, _: Person) -> Move | None:
        """What waits is changed, while somebody is about to look at it."""
        waiting = [one for one in self._world.pieces.values() if one.live and not one.published]
        if not waiting:
            return None
        piece = self._chance.choice(waiting)
        return self._reworded(self._world.people[piece.author], piece)

    def _reworded(self, actor: Person, piece: Piece) -> Move:
        text = self._text()
        may = piece.live and piece.author == actor.id
        options = () if piece.poll is None else piece.poll.options
        may = may and self._passes(actor, " ".join([text, *options]))
        path = {"id": piece.id}
        return self._says(actor, "edit_post", may, path=path, body=EditPost(text), text=text)

    def _change_audience(self, actor: Person) -> Move | None:
        piece = self._piece(self._chance.choice([actor.id, actor.id, actor.id, None]))
        if piece is None:
            return None
        audience, can = self._audience(actor)
        may = can and piece.live and piece.author == actor.id
        may = may and (actor.publishes or isinstance(audience, ToOnlyMe))
        return self._move(actor, "change_audience", may, path={"id": piece.id}, body=audience)

    def _delete(self, actor: Person) -> Move | None:
        piece = self._piece(self._chance.choice([actor.id, actor.id, None]))
        if piece is None:
            return None
        may = piece.author == actor.id and piece.taken is None
        return self._move(actor, "delete_post", may, path={"id": piece.id})

    def _comment(self, actor: Person) -> Move | None:
        piece = self._piece()
        if piece is None:
            return None
        answered = self._chance.choice([None, *list(piece.remarks.values())[-3:]])
        may = self._world.meets(actor.id, piece) and self._world.may_comment(actor.id, piece)
        if answered is not None:
            may = may and answered.published and self._world.finds(actor.id, answered)
        text = self._text()
        body = WriteComment(text, None if answered is None else answered.id)
        return self._says(actor, "write_comment", may, path={"id": piece.id}, body=body, text=text)

    def _delete_comment(self, actor: Person) -> Move | None:
        remarks = list(self._world.remarks.values())[-12:]
        if not remarks:
            return None
        piece, remark = self._chance.choice(remarks)
        may = actor.id in (remark.author, piece.author) and remark.taken != "held"
        if remark.live and remark.waits is not None:
            may = actor.id == remark.author
        return self._move(actor, "delete_comment", may, path={"id": remark.id})

    def _like(self, actor: Person) -> Move | None:
        piece = self._piece()
        if piece is None:
            return None
        may = self._world.meets(actor.id, piece)
        return self._move(actor, "like_post", may, path={"id": piece.id})

    def _unlike(self, actor: Person) -> Move | None:
        liked = self._world.liked
        mine = [one for one in self._world.pieces.values() if (actor.id, one.id) in liked]
        piece = self._piece()
        if mine and self._chance.random() < 0.7:
            piece = self._chance.choice(mine)
        if piece is None:
            return None
        ever = (actor.id, piece.id) in self._world.liked
        may = ever or self._world.meets(actor.id, piece)
        return self._move(actor, "unlike_post", may, path={"id": piece.id})

    # Between two

    def _tie(self, actor: Person, other: Person, operation: str, may: bool) -> Move:
        return self._move(actor, operation, may, path={"qq": other.qq})

    def _befriend(self, actor: Person) -> Move:
        asked = [
            one
            for one in self._world.people.values()
            if (half := self._world.halves.get((one.id, actor.id))) and half.standing == "outgoing"
        ]
        other = self._other(actor)
        if asked and self._chance.random() < 0.6:
            other = self._chance.choice(asked)
        may = other.id != actor.id and not self._world.apart(actor.id, other.id)
        return self._tie(actor, other, "befriend", may)

    def _unfriend(self, actor: Person) -> Move:
        return self._tie(actor, self._other(actor), "unfriend", True)

    def _block(self, actor: Person) -> Move:
        other = self._other(actor)
        return self._tie(actor, other, "block", other.id != actor.id)

    def _unblock(self, actor: Person) -> Move | None:
        blocks = self._world.blocks
        blocked = [one for one in self._world.people.values() if (actor.id, one.id) in blocks]
        if not blocked:
            return None
        return self._tie(actor, self._chance.choice(blocked), "unblock", True)

    def _follow(self, actor: Person) -> Move:
        other = self._other(actor)
        already = (actor.id, other.id) in self._world.follows
        may = other.id != actor.id and not self._world.apart(actor.id, other.id)
        return self._tie(actor, other, "follow", may and (already or other.certified))

    def _unfollow(self, actor: Person) -> Move:
        return self._tie(actor, self._other(actor), "unfollow", True)

    # A member's own

    def _save_list(self, actor: Person) -> Move:
        others = sorted(one.qq for one in self._world.people.values() if one.id != actor.id)
        members = self._chance.sample(others, self._chance.randint(0, min(4, len(others))))
        body = SaveList(self._chance.choice(LISTS), members)
        return self._move(actor, "save_list", True, body=body)

    def _delete_list(self, actor: Person) -> Move | None:
        mine = [which for which, (owner, _, _) in self._world.lists.items() if owner == actor.id]
        if not mine:
            return None
        which = self._chance.choice(mine)
        return self._move(actor, "delete_list", True, path={"id": which})

    def _rename(self, actor: Person) -> Move:
        name = f"n{self._chance.randrange(1_000)}"
        if self._chance.random() < self._wary:
            name = f"{name} {self._chance.choice(RULE_WORDS)}"
        may = actor.publishes and self._passes(actor, name)
        return self._move(actor, "change_profile", may, body=ChangeProfile(name))

    # Of an operator

    def _certify(self, actor: Person) -> Move:
        path = {"qq": actor.qq}
        if actor.certified and self._chance.random() < 0.4:
            return Move("withdraw_certification", None, OPERATOR, True, path)
        kind: SpaceType = self._chance.choice(["brand", "media"])
        return Move("certify_space", None, OPERATOR, True, path, CertifySpace(kind, "n"))

    def _suspend(self, actor: Person) -> Move | None:
        if sum(one.barred is not None for one in self._world.people.values()) > 1:
            return None
        until = None
        if self._chance.random() < 0.75:
            seconds = self._chance.choice([0.5, 1, 2, 4]) + self._chance.random()
            until = self._clock.now() + timedelta(seconds=seconds + 2.5)
        body = SuspendAccount("r", until)
        return Move("suspend_account", None, OPERATOR, True, {"qq": actor.qq}, body)

    def _reinstate(self, actor: Person) -> Move | None:
        stopped = [one for one in self._world.people.values() if one.stopped is not None]
        who = self._chance.choice(stopped) if stopped else None
        if who is None:
            return None
        return Move("reinstate_account", None, OPERATOR, True, {"qq": who.qq})
