"""
Random histories against a naive model of who may see what: after every step every surface shows
exactly what the model says, no more (a leak) and no less (a loss).

HOMEZONE_VISIBILITY_STEPS makes a run longer, HOMEZONE_VISIBILITY_SEED repeats one.
"""

import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.conftest import Homezones
from tests.acceptance.moderators import RULE_WORDS, Moderators
from tests.acceptance.naive_world import Deed, NaiveWorld, Piece, Remark
from tests.support.homezone import Reply, RunningHomezone

PEOPLE = 5
STEPS = int(os.environ.get("HOMEZONE_VISIBILITY_STEPS", "160"))
WORD = re.compile(r"w\d+ends")
LISTS = ("family", "class of 2008")


class Difference(AssertionError):
    """A surface that does not show what it should."""


class History:
    """One generated history, lived by a server and by the model at once."""

    def __init__(self, homezone: RunningHomezone, seed: int) -> None:
        self.homezone = homezone
        self.chance = random.Random(seed)
        self.world = NaiveWorld(PEOPLE)
        self.clients = homezone.members(PEOPLE)
        self.numbers = {client.qq: number for number, client in enumerate(self.clients)}
        self.past: list[str] = []
        self.freshest: dict[int, int] = {}
        self.moderators = Moderators(self)
        self.moves: list[Callable[[], None]] = [
            *[self.publish] * 6,
            *[self.remark] * 4,
            *[self.like] * 3,
            *[self.befriend] * 4,
            *[self.change_audience] * 3,
            *[self.block] * 2,
            *[self.unblock] * 2,
            *[self.unlike, self.unfriend, self.delete, self.delete_remark, self.edit] * 2,
            *[self.follow, self.unfollow, self.certify, self.save_list, self.delete_list],
            *[self.share, self.share, self.suspend, self.reinstate, self.reinstate],
            *self.moderators.moves,
        ]

    @property
    def at_least(self) -> str | None:
        positions = (f"{cell}-{at}" for cell, at in self.freshest.items())
        return ",".join(positions) or None

    def steps(self, number: int) -> None:
        """So many of them."""
        for _ in range(number):
            self.step()

    def step(self) -> None:
        """One move by somebody, then a look at the surfaces by several viewers."""
        self.chance.choice(self.moves)()
        viewers = self.chance.sample(range(PEOPLE), 2)
        for viewer in viewers:
            self.look_for_leaks(viewer)
        for viewer in viewers:
            self.look_at_everything(viewer)

    # Moves

    def someone(self) -> int:
        return self.chance.randrange(PEOPLE)

    def word(self) -> str:
        """A text that nobody has said, now and then with a word that rules look for."""
        unique = f"w{len(self.past)}ends"
        found = self.chance.random() < 0.25
        return f"{unique} {self.chance.choice(RULE_WORDS)}" if found else unique

    def piece(self) -> Piece | None:
        return self.chance.choice(self.world.pieces[-12:]) if self.world.pieces else None

    def audience(self, author: int) -> tuple[Any, Any]:
        """An audience, as the model and as the API says it."""
        chosen = self.chance.choice(["public", "public", "friends", "friends", "only_me", "given"])
        named = [name for name in LISTS if name in self.world.people[author].lists]
        if named and self.chance.random() < 0.3:
            name = self.chance.choice(named)
            return ("list", name), {"to": "list", "name": name}
        if chosen != "given":
            return chosen, {"to": chosen}
        given = set(self.chance.sample(range(PEOPLE), 2))
        return given, {"to": "list", "list": [self.clients[one].qq for one in given]}

    def expect(self, actor: int, said: str, reply: Reply, granted: bool) -> bool:
        """
        Hold an answer against what the model grants.

        :returns: whether it was done.
        """
        granted = granted and self.active(actor)
        self.noted(said, reply, granted)
        return granted

    def noted(self, said: str, reply: Reply, granted: bool) -> None:
        """Hold an answer against what it must be, and remember how far the log is."""
        self.past.append(f"{said} -> {reply.status}")
        if (reply.status < 300) is not granted:
            raise Difference(f"expected {'success' if granted else 'a refusal'}: {reply.body!r}")
        assert reply.status < 500
        if granted and "homezone-position" in reply.headers:
            cell, at = map(int, reply.position.split("-"))
            self.freshest[cell] = max(at, self.freshest.get(cell, 0))

    def active(self, actor: int) -> bool:
        return self.world.people[actor].barred is None

    def publishable(self, author: int, text: str) -> bool:
        """Whether a member may say something, and it is not refused."""
        return self.world.people[author].publishes and self.world.outcome(text) != "refused"

    def waits(self, text: str) -> str | None:
        """How a text waits; None when others see it at once."""
        outcome = self.world.outcome(text)
        return outcome if outcome in ("held", "private_view") else None

    def publish(self) -> None:
        author, text = self.someone(), self.word()
        to, said = self.audience(author)
        reply = self.clients[author].post(
            "/v1/posts", {"kind": "shuoshuo", "text": text, "audience": said}
        )
        granted = self.publishable(author, text)
        if self.expect(author, f"{author} publishes {text} to {to}", reply, granted):
            self._published(Piece(reply.json["id"], author, text, to))

    def _published(self, piece: Piece) -> None:
        piece.waits = self.waits(piece.text)
        self.world.pieces.append(piece)
        self._did("post", piece.author, piece)

    def _did(self, kind: str, author: int, piece: Piece, remark: Remark | None = None) -> None:
        self.world.deeds.append(Deed(len(self.past), kind, author, piece, remark))

    def share(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        author, text = self.someone(), self.word()
        to, said = self.audience(author)
        body = {"kind": "share", "share_of": piece.id, "text": text, "audience": said}
        reply = self.clients[author].post("/v1/posts", body)
        original = piece.original or piece
        granted = self.world.meets(author, piece) and self.world.meets(author, original)
        granted = granted and self.publishable(author, text)
        if self.expect(author, f"{author} shares {piece.text} as {text} to {to}", reply, granted):
            self._published(Piece(reply.json["id"], author, text, to, original))

    def edit(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        editor = self.chance.choice([piece.author, piece.author, self.someone()])
        text = self.word()
        reply = self.clients[editor].patch(f"/v1/posts/{piece.id}", {"text": text})
        granted = piece.live and editor == piece.author and self.publishable(editor, text)
        if not self.expect(editor, f"{editor} edits {piece.text} to {text}", reply, granted):
            return
        piece.said += 1
        if piece.published and (how := self.waits(text)):
            piece.pending = text, how
            return
        if piece.published:
            piece.former.add(piece.text)
        piece.text, piece.pending = text, None

    def change_audience(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        to, said = self.audience(piece.author)
        reply = self.clients[piece.author].put(f"/v1/posts/{piece.id}/audience", said)
        granted = piece.live and (to == "only_me" or self.world.people[piece.author].publishes)
        if self.expect(piece.author, f"{piece.text} is now for {to}", reply, granted):
            piece.to = to

    def delete(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        editor = self.chance.choice([piece.author, self.someone()])
        reply = self.clients[editor].delete(f"/v1/posts/{piece.id}")
        said = f"{editor} deletes {piece.text}"
        if self.expect(editor, said, reply, editor == piece.author and piece.taken is None):
            piece.gone()

    def remark(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        author, text = self.someone(), self.word()
        answered = self.chance.choice([None, *piece.remarks[-3:]])
        reply = self.clients[author].comment(
            piece.id, text, None if answered is None else answered.id
        )
        granted = self.world.meets(author, piece) and self.publishable(author, text)
        if answered is not None:
            granted = granted and answered.published and self.world.finds(author, answered)
        said = f"{author} comments {text} on {piece.text}"
        if self.expect(author, said, reply, granted):
            remark = Remark(reply.json["id"], author, text, waits=self.waits(text))
            piece.remarks.append(remark)
            self._did("comment", author, piece, remark)

    def delete_remark(self) -> None:
        remarked = [piece for piece in self.world.pieces if piece.remarks]
        if not remarked:
            return
        piece = self.chance.choice(remarked)
        remark = self.chance.choice(piece.remarks)
        editor = self.chance.choice([remark.author, piece.author, self.someone()])
        reply = self.clients[editor].delete(f"/v1/comments/{remark.id}")
        granted = editor in (remark.author, piece.author) and remark.taken != "held"
        if remark.waits is not None:
            granted = editor == remark.author
        if self.expect(editor, f"{editor} deletes comment {remark.text}", reply, granted):
            if remark.live:
                remark.gone()
        elif self.active(editor):
            found = self.world.sees(editor, piece) and remark in self.world.remarks(editor, piece)
            reply.ok(403 if found else 404)

    def like(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        liker = self.someone()
        reply = self.clients[liker].put(f"/v1/posts/{piece.id}/like")
        granted = self.world.meets(liker, piece)
        done = self.expect(liker, f"{liker} likes {piece.text}", reply, granted)
        if done and liker not in piece.likes:
            piece.likes[liker] = len(self.past)
            self._unlisted(liker, piece)
            self._did("like", liker, piece)

    def _unlisted(self, liker: int, piece: Piece) -> None:
        self.world.deeds = [
            deed
            for deed in self.world.deeds
            if (deed.kind, deed.author, deed.piece) != ("like", liker, piece)
        ]

    def unlike(self) -> None:
        piece = self.piece()
        if piece is None:
            return
        liker = self.chance.choice([*piece.likes, self.someone()])
        reply = self.clients[liker].delete(f"/v1/posts/{piece.id}/like")
        ever = any(
            (deed.kind, deed.author, deed.piece) == ("like", liker, piece)
            for deed in self.world.deeds
        )
        granted = ever or self.world.meets(liker, piece)
        if self.expect(liker, f"{liker} unlikes {piece.text}", reply, granted):
            piece.likes.pop(liker, None)

    def _pair(self, method: str, what: str, move: Callable[[int, int], bool]) -> None:
        one, other = self.chance.sample(range(PEOPLE), 2)
        reply = self.clients[one].request(method, f"/v1/me/{what}/{self.clients[other].qq}")
        granted = self.active(one) and move(one, other)
        self.expect(one, f"{one}: {method} {what} {other}", reply, granted)

    def befriend(self) -> None:
        if self.world.asked and self.chance.random() < 0.5:
            asker, asked = self.chance.choice(sorted(self.world.asked))
            reply = self.clients[asked].put(f"/v1/me/friends/{self.clients[asker].qq}")
            granted = self.active(asked) and self.world.befriend(asked, asker)
            self.expect(asked, f"{asked} accepts {asker}", reply, granted)
            return
        self._pair("PUT", "friends", self.world.befriend)

    def unfriend(self) -> None:
        self._pair("DELETE", "friends", self.world.unfriend)

    def block(self) -> None:
        self._pair("PUT", "blocks", self.world.block)

    def unblock(self) -> None:
        if not self.world.blocks:
            return
        one, other = self.chance.choice(sorted(self.world.blocks))
        reply = self.clients[one].delete(f"/v1/me/blocks/{self.clients[other].qq}")
        if self.expect(one, f"{one} unblocks {other}", reply, True):
            self.world.blocks.discard((one, other))

    def follow(self) -> None:
        self._pair("PUT", "follows", self.world.follow)

    def unfollow(self) -> None:
        def move(one: int, other: int) -> bool:
            self.world.follows.discard((one, other))
            return True

        self._pair("DELETE", "follows", move)

    def certify(self) -> None:
        person = self.world.people[self.someone()]
        path = f"/v1/spaces/{self.clients[person.number].qq}/certification"
        person.certified = self.chance.random() < 0.7
        operator = self.homezone.operator
        if person.certified:
            operator.put(path, {"type": "media", "name": "n"}).ok()
        else:
            operator.delete(path).ok()
        self.past.append(f"{person.number} certified: {person.certified}")

    def save_list(self) -> None:
        owner, name = self.someone(), self.chance.choice(LISTS)
        others = [one for one in range(PEOPLE) if one != owner]
        members = set(self.chance.sample(others, self.chance.randrange(4)))
        body = {"name": name, "members": [self.clients[one].qq for one in members]}
        reply = self.clients[owner].put("/v1/me/lists", body)
        if self.expect(owner, f"{owner} lists {members} as {name}", reply, True):
            self.world.people[owner].lists[name] = members

    def delete_list(self) -> None:
        owner, name = self.someone(), self.chance.choice(LISTS)
        if not self.active(owner) or name not in self.world.people[owner].lists:
            return
        found = self.clients[owner].get("/v1/me/lists").json["items"]
        which = next(one["id"] for one in found if one["name"] == name)
        reply = self.clients[owner].delete(f"/v1/me/lists/{which}")
        self.expect(owner, f"{owner} drops the list {name}", reply, True)
        self.world.drop_list(owner, name)

    def suspend(self) -> None:
        who = self.someone()
        # What a second suspension, or one beside a ban, comes to is told elsewhere.
        barred = sum(person.barred is not None for person in self.world.people)
        if barred < 2 and self.world.people[who].barred is None:
            self._suspended(who, True)

    def reinstate(self) -> None:
        self._suspended(self.someone(), False)

    def _suspended(self, number: int, suspended: bool) -> None:
        path = f"/v1/accounts/{self.clients[number].qq}/suspension"
        operator = self.homezone.operator
        (operator.put(path, {"reason": "x"}) if suspended else operator.delete(path)).ok()
        # What decisions brought goes on.
        self.world.people[number].suspended = suspended
        self.past.append(f"{number} suspended: {suspended}")

    # Looks

    def surfaces(self, viewer: int, owner: int, piece: Piece | None) -> Iterator[str]:
        space = f"/v1/spaces/{self.clients[owner].qq}"
        yield from ("/v1/feed", space, f"{space}/posts", f"{space}/timeline")
        if piece is not None:
            path = f"/v1/posts/{piece.id}"
            yield from (path, f"{path}/comments", f"{path}/likes")

    def look_for_leaks(self, viewer: int) -> None:
        """
        At the commit, without waiting for anything, nothing hidden is shown anywhere. (What an
        edit replaced may be: it was not hidden, and read models tell of it a moment later.)
        """
        client, words = self.clients[viewer], self.world.words(viewer)
        if not self.active(viewer):
            words = set()
        for path in self.surfaces(viewer, self.someone(), self.piece()):
            said = client.get(path).body.decode()
            leaked = set(WORD.findall(said)) - words
            if leaked:
                raise Difference(f"{viewer} finds {leaked} in {path}: {said}")

    def look_at_everything(self, viewer: int) -> None:
        """With the read models caught up, every surface shows just what the model says."""
        if not self.active(viewer):
            barred = self.world.people[viewer].barred
            self.clients[viewer].get("/v1/feed").refused(403, barred)
            return
        feed = [piece.id for piece in self.world.feed(viewer)]
        self.same("feed", self.walked(viewer, "/v1/feed"), feed)
        self.look_at_space(viewer, self.someone())
        for piece in self.chance.sample(self.world.pieces, min(3, len(self.world.pieces))):
            self.look_at_piece(viewer, piece)
        friends = {other for other in range(PEOPLE) if self.world.are_friends(viewer, other)}
        listed = self.clients[viewer].walk("/v1/me/friends")
        self.same("friends", {self.numbers[one["qq"]] for one in listed}, friends)

    def walked(self, viewer: int, path: str) -> list[str]:
        limit = self.chance.choice([2, 5, 20])
        items = self.clients[viewer].walk(path, limit=limit, at_least=self.at_least)
        return [item["id"] for item in items]

    def look_at_space(self, viewer: int, owner: int) -> None:
        client = self.clients[viewer]
        path = f"/v1/spaces/{self.clients[owner].qq}"
        if (owner, viewer) in self.world.blocks:
            for end in ("", "/posts", "/timeline"):
                client.get(path + end).refused(404, "not-found")
            return
        pieces = [piece.id for piece in self.world.by(viewer, owner)]
        self.same(f"{path}/posts", self.walked(viewer, f"{path}/posts"), pieces)
        home = client.get(path, at_least=self.at_least).ok(200).json
        self.same(path, [post["id"] for post in home["posts"]], pieces[:10])
        self.same("follows", home["relation"]["follows"], (viewer, owner) in self.world.follows)
        self.same("blocked", home["relation"]["blocked"], (viewer, owner) in self.world.blocks)
        timeline = client.walk(f"{path}/timeline", limit=7, at_least=self.at_least)
        shown = [(item["kind"], item["post"]["id"]) for item in timeline]
        self.same(f"{path}/timeline", shown, self.world.timeline(viewer, owner))

    def look_at_piece(self, viewer: int, piece: Piece) -> None:
        client, path = self.clients[viewer], f"/v1/posts/{piece.id}"
        reply = client.get(path, at_least=self.at_least)
        if not self.world.sees(viewer, piece):
            for end in ("", "/comments", "/likes"):
                client.get(path + end).refused(404, "not-found")
            return
        post = reply.ok(200).json
        original = piece.original
        shared = original is not None and self.world.sees(viewer, original)
        self.same("share", post.get("share", {}).get("text"), original.text if shared else None)  # type: ignore[union-attr]
        self.same("share_of", "share_of" in post, shared)
        counted = self.world.counted(viewer, piece)
        shown = (post["text"], post["likes"], post["comments"], post["liked"])
        self.same(path, shown, (piece.text, len(piece.likes), counted, viewer in piece.likes))
        own = piece.author == viewer
        state = (
            (own and piece.waits) or "published",
            piece.pending[1] if own and piece.pending else None,
        )
        self.same("state", (post["state"], post.get("edit_state")), state)
        remarks = client.walk(f"{path}/comments", limit=3, at_least=self.at_least)
        wanted = [(one.id, one.text) for one in self.world.remarks(viewer, piece)]
        self.same(f"{path}/comments", [(one["id"], one["text"]) for one in remarks], wanted)
        likes = client.walk(f"{path}/likes", limit=2, at_least=self.at_least)
        likers = [self.numbers[one["member"]["qq"]] for one in likes]
        self.same(f"{path}/likes", likers, self.world.likers(viewer, piece))

    def same(self, surface: str, shown: object, wanted: object) -> None:
        if shown != wanted:
            raise Difference(f"{surface} shows {shown}, not {wanted}")


@pytest.mark.parametrize("cells", [16, 1])
def test_every_surface_shows_what_the_model_says(homezones: Homezones, cells: int) -> None:
    seed = int(os.environ.get("HOMEZONE_VISIBILITY_SEED", random.SystemRandom().getrandbits(32)))
    print(f"HOMEZONE_VISIBILITY_SEED={seed}")
    history = History(homezones(cells), seed)
    try:
        history.steps(STEPS if cells == 16 else STEPS // 3)
    except AssertionError as error:
        story = "\n".join(history.past)
        raise AssertionError(f"seed {seed}: {error}\n{story}") from error


class Gullible(NaiveWorld):
    """A model without blocks."""

    def apart(self, one: int, other: int) -> bool:
        return False


class Lenient(NaiveWorld):
    """A model whose rules find nothing."""

    def outcome(self, text: str) -> str:
        return "published"


@pytest.mark.parametrize("model", [Gullible, Lenient])
def test_the_model_is_not_blind(homezones: Homezones, model: type[NaiveWorld]) -> None:
    """A rule left out of the model is noticed, so the comparison can fail."""
    history = History(homezones(16), 1)
    history.world = model(PEOPLE)
    history.moderators.rules()
    with pytest.raises(AssertionError):
        history.steps(400)
