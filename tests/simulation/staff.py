"""
What staff do, and what members say to it: rules and the level, cases, decisions, reports, appeals.

Whether a decision is taken follows rules of its own, which are the product's to know; so most of
these moves may be granted or not (``granted`` is None), and what was acknowledged is held against
the oracle. What must never be granted is said.
"""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, get_args

from commands.appeals import Appeal
from commands.cases import EscalateCase, OpenCase
from commands.decisions import Confirm, Decide, PenaltyChoice
from commands.reports import Report
from commands.rules import SetLevel
from commands.subjects import (
    AlbumSubject,
    CommentSubject,
    MemberSubject,
    MessageSubject,
    NicknameSubject,
    PhotoSubject,
    PostSubject,
)
from domain.rules import Action, Match, Rule, RuleSet
from domain.verdicts import Verdict
from tests.simulation.casebook import Docket
from tests.simulation.moves import RULE_WORDS, Move
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.world import Album, Note, Person, Photo, Piece, Remark

MODERATORS = (30_001, 30_002, 30_003, 30_004)
COMPLIANCE = 30_100
SETS = ("house", "ward")
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_ACTIONS: tuple[Action, ...] = ("hold", "hold", "hold", "private_view", "flag", "block")
#: So many members may be kept from everything at once, or nothing happens any more.
_BARRED_MAX = 2


class Staff:
    """
    Thinks of moves about moderation.

    :param clock: whose time a raised level ends in.
    """

    def __init__(self, world: Oracle, chance: random.Random, clock: LoopClock) -> None:
        self._world = world
        self._chance = chance
        self._clock = clock
        self._weighted: Sequence[Callable[[Person], Move | None]] = [
            *[self._decide] * 9,
            *[self._open] * 5,
            *[self._confirm] * 3,
            *[self._claim, self._report, self._appeal] * 2,
            *[self._publish_rules, self._set_level, self._release, self._escalate],
        ]

    def next(self, actor: Person) -> Move | None:
        """A move of staff, or of a member whom a decision concerns; None when there is none."""
        return self._chance.choice(self._weighted)(actor)

    # Of compliance

    def publish(self, name: str) -> Move:
        """A set of rules: some of the words that were made up, each with what is to happen."""
        words = self._chance.sample(RULE_WORDS, self._chance.randint(1, len(RULE_WORDS)))
        rules = tuple(
            Rule(
                word,
                Match(phrase=word),
                self._chance.choice(_ACTIONS),
                "made-up",
                self._chance.choice([0, 0, 0, 2]),
            )
            for word in words
        )
        return self._staff("publish_rules", True, {"name": name}, RuleSet(rules), compliance=True)

    def _publish_rules(self, _: Person) -> Move:
        return self.publish(self._chance.choice(SETS))

    def _set_level(self, _: Person) -> Move:
        level = self._chance.choice([0, 1, 2, 2, 3])
        until = None
        if level:
            seconds = self._chance.choice([3, 6, 3_600, 86_400]) + self._chance.random()
            until = self._clock.now() + timedelta(seconds=seconds)
        return self._staff("set_level", True, body=SetLevel(level, "r", until), compliance=True)

    # Of moderators

    def _staff(
        self,
        operation: str,
        granted: bool | None,
        path: dict[str, Any] | None = None,
        body: Any = None,
        *,
        compliance: bool = False,
    ) -> Move:
        role, qq = "moderator", self._chance.choice(MODERATORS)
        if compliance:
            role, qq = "compliance", COMPLIANCE
        return Move(operation, None, qq, granted, path or {}, body, staff=role)

    def _docket(self, *stages: str) -> Docket | None:
        found = [one for one in self._world.cases.dockets.values() if one.stage in stages]
        if not found or self._chance.random() < 0.05:
            found = list(self._world.cases.dockets.values())
        return self._chance.choice(found[-12:]) if found else None

    def _on(self, operation: str, docket: Docket | None, body: Any = None) -> Move | None:
        if docket is None:
            return None
        impossible = docket.stage == "closed"
        granted = False if impossible else None
        return self._staff(operation, granted, {"id": docket.id}, body)

    def _claim(self, _: Person) -> Move | None:
        return self._on("claim_case", self._docket("open", "claimed"))

    def _release(self, _: Person) -> Move | None:
        return self._on("release_case", self._docket("claimed"))

    def _escalate(self, _: Person) -> Move | None:
        return self._on("escalate_case", self._docket("open", "claimed"), EscalateCase("n"))

    def _open(self, actor: Person) -> Move | None:
        """Of what is published, or was taken down, so that it is decided anew."""
        chance = self._chance
        pieces = list(self._world.pieces.values())[-12:]
        remarks = [one for _, one in list(self._world.remarks.values())[-8:]]
        notes = list(self._world.notes.values())[-8:]
        if notes and chance.random() < 0.3:
            return self._opening(MessageSubject(chance.choice(notes).id))
        if self._world.albums and chance.random() < 0.4:
            photos = list(self._world.photos.values())[-8:]
            if photos and chance.random() < 0.7:
                return self._opening(PhotoSubject(chance.choice(photos).id))
            return self._opening(AlbumSubject(chance.choice(list(self._world.albums)[-8:])))
        match chance.choice([*["post"] * 4, "comment", "comment", "nickname", "member"]):
            case "post" if pieces:
                return self._opening(PostSubject(chance.choice(pieces).id))
            case "comment" if remarks:
                return self._opening(CommentSubject(chance.choice(remarks).id))
            case "nickname":
                return self._opening(NicknameSubject(actor.qq))
            case _:
                return self._opening(MemberSubject(actor.qq))

    def _opening(self, subject: Any) -> Move:
        return self._staff("open_case", True, body=OpenCase(subject))

    def _decide(self, _: Person) -> Move | None:
        docket = self._urgent() or self._docket("open", "claimed")
        if docket is None:
            return None
        chance = self._chance
        verdict, answers = self._verdict(docket), None
        if docket.new and docket.appeals and chance.random() < 0.5:
            verdict, answers = chance.choice(["restore", "no_action"]), next(iter(docket.appeals))
        if chance.random() < 0.15:
            verdict = chance.choice(VERDICTS)
        read = self._world.version_of(docket.subject.id)
        body = Decide(
            verdict=verdict,
            ground=chance.choice(["illegal", "terms"]),
            clause="4.2",
            explanation="e",
            category="made-up",
            facts="f",
            penalty=self._penalty(verdict),
            on=read if docket.subject.kind == "post" and read and chance.random() < 0.8 else None,
            answers=answers,
        )
        return self._on("decide_case", docket, body)

    def _urgent(self) -> Docket | None:
        """Now and then, the case of something that waits; rather what was changed meanwhile."""
        if self._chance.random() < 0.5:
            return None
        open_ = [one for one in self._world.cases.dockets.values() if one.stage == "open"]
        waiting = [one for one in open_ if (thing := self._thing(one)) and thing.waits]
        changed = [one for one in waiting if getattr(self._thing(one), "drafts", None)]
        return self._chance.choice(changed or waiting) if waiting else None

    def _verdict(self, docket: Docket) -> Verdict:
        """One that the subject's state may admit."""
        chance = self._chance
        if docket.appealed is not None:
            return chance.choice(["restore", "no_action"])
        thing = self._thing(docket)
        if thing is None:
            if docket.subject.kind == "member":
                return "no_action"
            return chance.choice(VERDICTS)
        if thing.taken is not None:
            return chance.choice(["restore", "restore", "no_action"])
        waits = thing.waits is not None or getattr(thing, "pending", None) is not None
        if waits:
            return chance.choice(["approve", "approve", "reject"])
        return chance.choice(["unpublish", "unpublish", "no_action"])

    def _thing(self, docket: Docket) -> Piece | Remark | Note | Album | Photo | None:
        if docket.subject.kind == "post":
            return self._world.pieces.get(docket.subject.id)
        if docket.subject.kind == "message":
            return self._world.notes.get(docket.subject.id)
        if docket.subject.kind == "album":
            return self._world.albums.get(docket.subject.id)
        if docket.subject.kind == "photo":
            return self._world.photos.get(docket.subject.id)
        known = self._world.remarks.get(docket.subject.id)
        return None if known is None else known[1]

    def _penalty(self, verdict: Verdict) -> Any:
        chance = self._chance
        if verdict in ("approve", "restore") or chance.random() < 0.6:
            return None
        barred = sum(one.barred is not None for one in self._world.people.values())
        choices: list[Any] = [
            "none", "strike", "strike", "restriction", PenaltyChoice("strike", weight=3),
            PenaltyChoice("strike", days=1), PenaltyChoice("restriction", days=1, weight=1),
        ]  # fmt: skip
        if barred < _BARRED_MAX:
            choices += ["suspension", "ban", PenaltyChoice("suspension", days=2, weight=2)]
        return chance.choice(choices)

    def _confirm(self, _: Person) -> Move | None:
        docket = self._docket("proposed")
        if docket is None:
            return None
        body = Confirm(agree=self._chance.random() < 0.8)
        return self._on("confirm_decision", docket, body)

    # Of members

    def _report(self, actor: Person) -> Move | None:
        """Of what the member sees, or does not."""
        world, chance = self._world, self._chance
        pieces = list(world.pieces.values())[-12:]
        remarks = list(world.remarks.values())[-8:]
        if remarks and chance.random() < 0.3:
            piece, remark = chance.choice(remarks)
            seen = world.meets(actor.id, piece) and world.finds(actor.id, remark)
            may = seen and remark.published and remark.author != actor.id
            return self._member(actor, "make_report", may, Report(CommentSubject(remark.id), "c"))
        notes = list(world.notes.values())[-8:]
        if notes and chance.random() < 0.3:
            note = chance.choice(notes)
            seen = world.opens(actor.id, note.space, "messages") and world.reads(actor.id, note)
            may = seen and note.published and note.author != actor.id
            return self._member(actor, "make_report", may, Report(MessageSubject(note.id), "c"))
        photos = list(world.photos.values())[-8:]
        if photos and chance.random() < 0.4:
            photo = chance.choice(photos)
            may = world.sees_photo(actor.id, photo) and photo.author != actor.id
            return self._member(actor, "make_report", may, Report(PhotoSubject(photo.id), "c"))
        if not pieces:
            return None
        piece = chance.choice(pieces)
        may = world.meets(actor.id, piece) and piece.author != actor.id
        return self._member(actor, "make_report", may, Report(PostSubject(piece.id), "c"))

    def _appeal(self, actor: Person) -> Move | None:
        """Of a decision about the member, also a banned one; now and then about another."""
        adverse = [
            (docket, ruling)
            for docket in self._world.cases.dockets.values()
            for ruling in docket.rulings.values()
            if ruling.adverse
        ]
        concerned = {docket.subject.owner for docket, _ in adverse}
        barred = [
            one
            for one in self._world.people.values()
            if one.barred is not None and one.id in concerned
        ]
        if barred and self._chance.random() < 0.5:
            actor = self._chance.choice(barred)
        mine = [one for one in adverse if one[0].subject.owner == actor.id]
        if mine and self._chance.random() < 0.95:
            adverse = mine
        if not adverse:
            return None
        docket, ruling = self._chance.choice(adverse)
        never = docket.subject.owner != actor.id or ruling.final or ruling.appealed
        body = Appeal(ruling.id, "s")
        return Move("appeal_decision", actor.id, actor.qq, False if never else None, {}, body)

    def _member(self, actor: Person, operation: str, may: bool, body: Any) -> Move:
        return Move(operation, actor.id, actor.qq, may and actor.barred is None, {}, body)
