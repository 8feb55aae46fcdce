"""
Members who use Homezone from several devices at once, and write down what they saw.

Few members and few posts, so that they meet: two devices edit one post under conditions, all like,
comment and read the same posts while their author changes who may see them. Every write has a key
and is sent until it is answered; sometimes one is given up after a plain 503, which promises that
nothing was done.
"""

import threading
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec

from tests.faults.caller import Caller, Lost, Seen, Unavailable
from tests.faults.record import History, Kind, Read, Write, place
from tests.support.homezone import Reply

AUDIENCES: Final = ("public", "friends", "only_me")
POSTS_AT_ONCE: Final = 6
_THINK_SECONDS_MAX: Final = 0.05
_PAUSE_SECONDS_MAX: Final = 0.3


class Open(msgspec.Struct):
    """A post that members are busy with; ``version`` is the newest anybody has read."""

    id: str
    author: int
    at: str
    version: int = 1


class Board:
    """The posts that everybody is busy with."""

    def __init__(self) -> None:
        self.all: list[Open] = []
        self._mutex = threading.Lock()

    def put(self, post: Open) -> None:
        """A new post, in the place of the oldest."""
        with self._mutex:
            self.all.append(post)

    def pick(self, random: Random, author: int | None = None) -> Open | None:
        """One of the newest, of an author's if so said."""
        with self._mutex:
            recent = self.all[-POSTS_AT_ONCE:]
        return random.choice([p for p in recent if author in (None, p.author)] or [None])


class Device(threading.Thread):
    """
    One of a member's devices, doing this and that until told to settle.

    :param friend: whether its member is everybody's friend, or a stranger who only reads.
    """

    def __init__(
        self,
        name: str,
        caller: Caller,
        board: Board,
        history: History,
        seen: Seen,
        random: Random,
        *,
        friend: bool,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.caller = caller
        self.qq = caller.qq
        self.friend = friend
        #: When the last write that was done had begun.
        self.done_since = 0.0
        self.failure: BaseException | None = None
        self._board = board
        self._history = history
        self._seen = seen
        self._random = random
        self._known: dict[int, int] = {}
        self._liked: set[str] = set()
        self._number = 0
        self._settling = threading.Event()
        self._gave_up = threading.Event()

    def run(self) -> None:
        """One thing after another."""
        acts: tuple[tuple[Callable[[], None], int], ...] = (
            (self._publish, 6),
            (self._edit, 20),
            (self._change_audience, 10),
            (self._like, 24),
            (self._comment, 10),
            (self._read, 30),
        )
        choices, weights = zip(*acts, strict=True)
        try:
            while not self._settling.is_set():
                act = self._random.choices(choices, weights)[0] if self.friend else self._read
                act()
                self._settling.wait(self._random.random() * _THINK_SECONDS_MAX)
        except BaseException as error:  # noqa: BLE001  told to whoever judges
            self.failure = error
        finally:
            self.caller.close()

    def settle(self) -> None:
        """Finish what is under way, and begin nothing more."""
        self._settling.set()

    def give_up(self) -> None:
        """Leave even that open."""
        self._gave_up.set()

    # What members do

    def _publish(self) -> None:
        text, audience = self._text(), self._random.choice(AUDIENCES[:2])
        body = {"kind": "shuoshuo", "text": text, "audience": {"to": audience}}
        write = self._new("publish", text=text, audience=audience)
        reply = self._write(write, "POST", "/v1/posts", body)
        if reply is not None and write.at is not None:
            write.id = write.post = reply.json["id"]
            self._finish(write, reply)
            self._board.put(Open(write.id, self.qq, write.at))

    def _edit(self) -> None:
        post = self._board.pick(self._random, self.qq)
        if post is None:
            self._publish()
            return
        text = self._text()
        condition = post.version if self._random.random() < 0.7 else None
        write = self._new("edit", post, text=text, condition=condition)
        self._done(write, "PATCH", f"/v1/posts/{post.id}", {"text": text})

    def _change_audience(self) -> None:
        post = self._board.pick(self._random, self.qq)
        if post is None:
            self._publish()
            return
        audience = self._random.choice(AUDIENCES)
        condition = post.version if self._random.random() < 0.5 else None
        write = self._new("audience", post, audience=audience, condition=condition)
        self._done(write, "PUT", f"/v1/posts/{post.id}/audience", {"to": audience})

    def _like(self) -> None:
        post = self._board.pick(self._random)
        if post is None:
            self._publish()
            return
        # Only who has liked it takes that back: for others there is no event to answer with.
        liked = self._random.random() < 0.6 or post.id not in self._liked
        write = self._new("like" if liked else "unlike", post)
        path = f"/v1/posts/{post.id}/like"
        if self._done(write, "PUT" if liked else "DELETE", path) and liked:
            self._liked.add(post.id)

    def _comment(self) -> None:
        post = self._board.pick(self._random)
        if post is None:
            self._publish()
            return
        write = self._new("comment", post, text=self._text())
        write.id = ""
        self._done(write, "POST", f"/v1/posts/{post.id}/comments", {"text": write.text})

    def _read(self) -> None:
        post = self._board.pick(self._random)
        if post is not None:
            self.read(post)

    def read(
        self,
        post: Open,
        at_least: dict[int, int] | None = None,
        caller: Caller | None = None,
    ) -> bool:
        """Read a post, asking for all that is known here; whether there was an answer."""
        cell, number = place(post.at)
        wanted = {cell: number, **(self._known if at_least is None else at_least)}
        wanted[cell] = max(wanted[cell], number)
        asked = ",".join(f"{cell}-{at}" for cell, at in sorted(wanted.items()))
        began = time.monotonic()
        try:
            reply = (caller or self.caller).ask("GET", f"/v1/posts/{post.id}", at_least=asked)
        except (Lost, Unavailable):
            self._pause()
            return False
        found = reply.status == 200
        shown = reply.json if found else {}
        self._seen.count("reads")
        self._history.add(
            Read(
                client=self.name,
                qq=self.qq,
                author=post.author,
                friend=self.friend,
                post=post.id,
                began=began,
                ended=time.monotonic(),
                at_least=wanted,
                found=found,
                version=shown.get("version", 0),
                text=shown.get("text"),
                audience=shown.get("audience"),
                likes=shown.get("likes", 0),
                comments=shown.get("comments", 0),
                liked=shown.get("liked", False),
            )
        )
        post.version = max(post.version, shown.get("version", 0))
        return True

    # How they do it

    def _text(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"

    def _new(self, kind: Kind, post: Open | None = None, **given: object) -> Write:
        about = post.id if post else ""
        key = f"{self.name}-{time.monotonic_ns()}"
        write = Write(
            client=self.name, qq=self.qq, kind=kind, id=about, post=about, key=key, began=0.0
        )
        return msgspec.structs.replace(write, **given)

    def _done(self, write: Write, method: str, path: str, body: object = None) -> bool:
        reply = self._write(write, method, path, body)
        if reply is None or write.at is None:
            return False
        if write.kind == "comment":
            write.id = reply.json["id"]
        self._finish(write, reply)
        return True

    def _write(self, write: Write, method: str, path: str, body: object) -> Reply | None:
        """Send it until there is an answer; None when there was none, or none is wanted."""
        condition = write.condition
        headers = {} if condition is None else {"If-Match": f'"{condition}"'}
        write.began = time.monotonic()
        self._history.add(write)
        untouched = True
        while not self._gave_up.is_set():
            try:
                reply = self.caller.ask(method, path, body, key=write.key, headers=headers)
            except (Lost, Unavailable) as error:
                plain = isinstance(error, Unavailable) and not error.unknown
                untouched &= plain
                if untouched and self._random.random() < 0.2:
                    # It was said that nothing was done, nor will be: that must be true.
                    self._refuse(write, "unavailable")
                    return None
                self._pause()
                write.sent += 1
                continue
            if reply.status >= 400:
                self._refuse(write, reply.problem)
                return None
            write.at = reply.position
            return reply
        return None

    def _finish(self, write: Write, reply: Reply) -> None:
        write.ended = time.monotonic()
        write.outcome = "done"
        cell, number = place(reply.position)
        self._known[cell] = max(self._known.get(cell, 0), number)
        self._seen.count("acknowledged")
        if reply.headers.get("idempotency-replayed") == "true":
            self._seen.count("replayed")
        self.done_since = max(self.done_since, write.began)

    def _refuse(self, write: Write, problem: str) -> None:
        write.ended, write.outcome, write.problem = time.monotonic(), "refused", problem
        self._seen.count("refused" if problem != "unavailable" else "left undone")

    def _pause(self) -> None:
        time.sleep(self._random.uniform(0.02, _PAUSE_SECONDS_MAX))


class Workload:
    """All devices, and what they saw."""

    def __init__(self, devices: Sequence[Device], history: History, board: Board) -> None:
        self.devices = devices
        self.history = history
        self.board = board

    def start(self) -> None:
        """Begin."""
        for device in self.devices:
            device.start()

    def wait_for_recovery(self, since: float, seconds: float) -> list[str]:
        """Wait until every member has begun and done a write after a time; who could not."""
        writers = [device for device in self.devices if device.friend]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            waiting = [each.name for each in writers if each.done_since <= since]
            if not waiting or any(each.failure for each in writers):
                break
            time.sleep(0.02)
        return [f"{each.name} is not served again" for each in writers if each.done_since <= since]

    def abandon(self) -> None:
        """Let everybody stop where they are."""
        for device in self.devices:
            device.settle()
            device.give_up()

    def settle(self, seconds: float) -> list[str]:
        """Let everybody finish; what is left open after so long is a complaint."""
        for device in self.devices:
            device.settle()
        until = time.monotonic() + seconds
        for device in self.devices:
            device.join(max(0.0, until - time.monotonic()))
        late = [device.name for device in self.devices if device.is_alive()]
        for device in self.devices:
            device.give_up()
            device.join(40.0)
        failures = [f"{each.name}: {each.failure!r}" for each in self.devices if each.failure]
        return failures + [f"{name} had no answer in {seconds:.0f} s" for name in late]
