"""
What moderators do in a generated history, and members in answer: rules, verdicts, penalties,
reports, appeals. Nothing else happens meanwhile, so each answer is known beforehand.
"""

from itertools import count
from typing import TYPE_CHECKING, Any

from tests.acceptance.naive_world import Matter, Piece, Remark, Ruling
from tests.support.homezone import Client, Reply

if TYPE_CHECKING:
    from tests.acceptance.test_visibility import History

#: Words that were made up for the rules of these histories, and stand in no other test.
RULE_WORDS = ("gnarzipel", "tofflewick", "brumhaldt", "eskiblon")
_ACTIONS = ("hold", "hold", "private_view", "flag", "block")
_STAFF = count(13_000)
#: So many members may be kept from everything at once, or nothing happens any more.
_BARRED_MAX = 2


class Proposal:
    """A grave decision that waits for a second person; ``by`` is who proposed it."""

    def __init__(self, matter: Matter, case: str, verdict: str, penalty: Any, by: int) -> None:
        self.matter = matter
        self.case = case
        self.verdict = verdict
        self.penalty = penalty
        self.by = by
        self.said = matter.said


class Moderators:
    """
    Three moderators and one who keeps the rules; the last moderator decides appeals alone.
    """

    def __init__(self, history: "History") -> None:
        homezone = history.homezone
        self.history = history
        self.chance = history.chance
        self.staff = [homezone.client(next(_STAFF), "moderator") for _ in range(3)]
        self.compliance: Client = homezone.client(next(_STAFF), "compliance")
        self.proposals: list[Proposal] = []
        self.rules()
        self.moves = [
            *[self.decide] * 8,
            *[self.confirm, self.appeal, self.answer] * 2,
            *[self.rules, self.report],
        ]

    # Rules

    def rules(self) -> None:
        """Some of the words are looked for from now on, each with what is to happen."""
        chance, world = self.chance, self.history.world
        words = chance.sample(RULE_WORDS, chance.randint(1, len(RULE_WORDS)))
        world.rules = {word: chance.choice(_ACTIONS) for word in words}
        rules = [
            {"id": word, "match": {"phrase": word}, "action": action, "category": "made-up"}
            for word, action in world.rules.items()
        ]
        self.compliance.put("/v1/moderation/rules/visibility", {"rules": rules}).ok()
        self.history.past.append(f"rules: {world.rules}")

    # Decisions

    def _matter(self) -> Matter | None:
        """Something to decide of: rather what waits, and what was taken down."""
        pieces: list[Matter] = [*self.history.world.pieces[-12:]]
        remarks: list[Matter] = [
            one for piece in self.history.world.pieces[-12:] for one in piece.remarks[-3:]
        ]
        every = pieces + remarks
        urgent = [one for one in every if one.waits or one.taken]
        some = urgent if urgent and self.chance.random() < 0.6 else every
        return self.chance.choice(some) if some else None

    def _open(self, matter: Matter) -> str:
        """The case of it, open from now on."""
        kind = "post" if isinstance(matter, Piece) else "comment"
        body = {"subject": {"kind": kind, "id": matter.id}}
        case = str(self.staff[0].post("/v1/moderation/cases", body).ok(201).json["id"])
        matter.case = case
        return case

    def decide(self) -> None:
        """Decide of something, where no appeal is open and nothing is proposed."""
        matter = self._matter()
        if matter is None or matter.appealed or any(matter is one.matter for one in self.proposals):
            return
        verdict = self._verdict(matter)
        penalty = self._penalty(matter, verdict)
        case, by = self._open(matter), 0
        if self.chance.random() < 0.2:
            self.staff[1].post(f"/v1/moderation/cases/{case}/claim").ok()
            self._say(0, case, verdict, penalty).refused(409, "case-claimed")
            by = 1
        reply = self._say(by, case, verdict, penalty)
        granted = possible(matter, verdict)
        self._note(f"{verdict} {penalty} of {matter.text}", reply, granted)
        if not granted:
            reply.refused(409, "verdict-not-possible")
            if by:
                self.staff[by].post(f"/v1/moderation/cases/{case}/release").ok()
        elif reply.json["state"] == "proposed":
            self.proposals.append(Proposal(matter, case, verdict, penalty, by))
        else:
            self._ruled(matter, reply.json["id"], verdict, penalty, {by})

    def _say(
        self, by: int, case: str, verdict: str, penalty: Any = None, answers: str | None = None
    ) -> Reply:
        """Read a case, and decide it."""
        path = f"/v1/moderation/cases/{case}"
        body = {
            "verdict": verdict, "ground": "terms", "clause": "1", "category": "made-up",
            "explanation": "e", "facts": "f", "penalty": penalty, "answers": answers,
            "on": self.staff[by].get(path).ok(200).json["on"],
        }  # fmt: skip
        return self.staff[by].post(f"{path}/decisions", body)

    def _note(self, said: str, reply: Reply, granted: bool) -> None:
        self.history.noted(f"moderators: {said}", reply, granted)

    def _verdict(self, matter: Matter) -> str:
        chance = self.chance
        if chance.random() < 0.1:
            return chance.choice(["approve", "reject", "unpublish", "restore", "no_action"])
        if matter.taken is not None:
            return "restore"
        if matter.waits is not None or (isinstance(matter, Piece) and matter.pending):
            return chance.choice(["approve", "approve", "reject"])
        return chance.choice(["unpublish", "unpublish", "no_action"])

    def _penalty(self, matter: Matter, verdict: str) -> Any:
        """Now and then one, but of nobody who is banned."""
        people, chance = self.history.world.people, self.chance
        if verdict not in ("reject", "unpublish", "no_action") or chance.random() < 0.5:
            return None
        if people[matter.author].has("ban"):
            return None
        kinds: list[Any] = ["strike", "restriction", {"kind": "strike", "weight": 3}]
        if sum(one.barred is not None for one in people) < _BARRED_MAX:
            kinds += ["suspension", "ban", {"kind": "suspension", "weight": 2}]
        return chance.choice(kinds)

    def confirm(self) -> None:
        """A second person agrees with what was proposed, or not; the first cannot agree alone."""
        if not self.proposals:
            return
        proposal = self.chance.choice(self.proposals)
        path = f"/v1/moderation/cases/{proposal.case}/confirmations"
        self.staff[proposal.by].post(path, {}).refused(403, "same-person")
        matter, second, agrees = proposal.matter, 1 - proposal.by, self.chance.random() < 0.7
        reply = self.staff[second].post(path, {"agree": agrees})
        # Its author may have deleted it meanwhile, or changed what it says.
        same = matter.said == proposal.said
        granted = not agrees or (same and possible(matter, proposal.verdict))
        self._note(f"a second person on {matter.text}: {agrees}", reply, granted)
        if not granted:
            return
        self.proposals.remove(proposal)
        if agrees:
            deciders = {proposal.by, second}
            self._ruled(matter, reply.json["id"], proposal.verdict, proposal.penalty, deciders)

    def _ruled(
        self, matter: Matter, id: str, verdict: str, penalty: Any, deciders: set[int]
    ) -> None:
        adverse = verdict in ("reject", "unpublish") or penalty is not None
        matter.rulings.append(Ruling(id, verdict, deciders, adverse))
        self._done(matter, verdict, id)
        if penalty is None:
            return
        said: dict[str, Any] = {"kind": penalty} if isinstance(penalty, str) else penalty
        weight = said.get("weight", 1 if said["kind"] == "strike" else None)
        self.history.world.people[matter.author].struck(id, said["kind"], weight)

    def _done(self, matter: Matter, verdict: str, decision: str) -> None:
        """What a verdict makes of it, in the moment in which it is answered."""
        match verdict:
            case "approve" if matter.waits:
                self._approved(matter)
            case "approve" | "reject" if isinstance(matter, Piece) and matter.pending:
                if verdict == "approve":
                    matter.former.add(matter.text)
                    matter.text = matter.pending[0]
                matter.pending = None
            case "reject" | "unpublish":
                matter.taken = "held" if matter.waits else "published"
                matter.live, matter.waits, matter.taken_by = False, None, decision
                if isinstance(matter, Piece):
                    matter.pending = None
            case "restore" if matter.taken == "held":
                self._approved(matter)
            case "restore":
                self._back(matter)
            case _:
                pass

    @staticmethod
    def _back(matter: Matter) -> None:
        matter.live, matter.waits, matter.taken, matter.taken_by = True, None, None, None

    def _approved(self, matter: Matter) -> None:
        """It was not there before, so it is as new as its approval."""
        self._back(matter)
        world, step = self.history.world, len(self.history.past)
        if isinstance(matter, Piece):
            world.pieces.remove(matter)
            world.pieces.append(matter)
        for piece in world.pieces:
            if isinstance(matter, Remark) and matter in piece.remarks:
                piece.remarks.remove(matter)
                piece.remarks.append(matter)
        for deed in world.deeds:
            if matter in (deed.remark, deed.piece if deed.kind == "post" else None):
                deed.step = step

    # What members say to it

    def report(self) -> None:
        """Somebody reports what they see, or not."""
        history = self.history
        piece, reporter = history.piece(), history.someone()
        if piece is None:
            return
        body = {"subject": {"kind": "post", "id": piece.id}, "category": "made-up"}
        reply = history.clients[reporter].post("/v1/reports", body)
        granted = history.world.meets(reporter, piece) and reporter != piece.author
        history.expect(reporter, f"{reporter} reports {piece.text}", reply, granted)

    def _matters(self) -> list[Matter]:
        pieces = self.history.world.pieces
        return [*pieces, *(one for piece in pieces for one in piece.remarks)]

    def appeal(self) -> None:
        """A member appeals, also one who is suspended or banned: once a decision."""
        proposed = [one.matter for one in self.proposals]
        adverse = [
            (matter, ruling)
            for matter in self._matters()
            for ruling in matter.rulings
            if ruling.adverse and not matter.appealed and matter not in proposed
        ]
        if not adverse:
            return
        matter, ruling = self.chance.choice(adverse)
        body = {"decision": ruling.id, "statement": "s"}
        reply = self.history.clients[matter.author].post("/v1/appeals", body)
        self._note(f"{matter.author} appeals of {matter.text}", reply, not ruling.appealed)
        if not ruling.appealed:
            ruling.appealed, matter.appealed = True, ruling

    def answer(self) -> None:
        """Somebody who took no part in a decision upholds or overturns it."""
        appealed = [one for one in self._matters() if one.appealed]
        if not appealed:
            return
        matter = self.chance.choice(appealed)
        against = matter.appealed
        assert against is not None
        case, verdict = matter.case, self.chance.choice(["restore", "no_action"])
        assert case is not None
        partial = self._say(min(against.deciders), case, verdict, answers=against.id)
        partial.refused(403, "same-person")
        reply = self._say(2, case, verdict, answers=against.id)
        self._note(f"on the appeal of {matter.text}: {verdict}", reply, True)
        matter.appealed = None
        if verdict == "restore":
            self.history.world.people[matter.author].absolved(against.id)
            if matter.taken_by == against.id:
                self._done(matter, "restore", against.id)


def possible(matter: Matter, verdict: str) -> bool:
    """Whether the state of something admits a verdict."""
    pending = isinstance(matter, Piece) and matter.pending is not None and matter.published
    match verdict:
        case "approve":
            return matter.live
        case "reject":
            return matter.waits is not None or pending
        case "unpublish":
            return matter.published
        case "restore":
            return matter.taken is not None
        case _:
            return matter.waits is None and not pending
