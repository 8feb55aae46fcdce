"""
What goes into a copy, file by file: who the member is, whom they know, what they made, what their
coins did, and what was decided about them.

What they made is read from the log, from their own events, so no read model that might hide it from
its author has a say. All else is what the member sees of it anywhere else, in the same words.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.answers import Account, Friend, Presenter
from api.billing.answers import posting, wallet
from api.exports.archive import Archive, File
from api.exports.items import MadePhoto
from api.exports.making import BEGINNINGS, QQs, made, mentioned
from api.homes import HomePresenter, HomeSettings
from api.http.answers import encode_json
from api.looks import ShownLook, shown_look
from api.moderation.answers import decision
from api.services import Services
from domain.event import Recorded, Refused
from domain.export import Asked
from domain.ids import MemberId, StreamId, cell_of
from domain.photo_events import PhotoAdded, PhotoHeld
from domain.picture import Rendition
from projections.reading import audits, decisions, decorations, homes, ledgers, people, wallets
from projections.trail import owner_facet

T = TypeVar("T")

FORMAT = "homezone-copy/1"
_STEP = 200
_FRESH_SECONDS_MAX = 5.0
#: The read models that a copy is made from.
_MODELS = ("trail", "ledger", "decisions")
_MAX = UUID(int=(1 << 128) - 1)
_MIN = UUID(int=0)
_END = (1 << 63) - 1

_README = """\
This is a copy of all that is yours at Homezone.

profile.json      who you are there
relations.json    friends, open requests, whom you block and follow
space.json        how your space looks
made.ndjson       what you made, the oldest first, one JSON object a line: "kind" says what it is
wallet.json       your coins now
ledger.ndjson     what moved them, the newest first
decisions.ndjson  what was decided about you and what is yours, the newest first
photos/           your photos
manifest.json     when this was made, and each file's length and SHA-256

Every file is JSON in UTF-8. Members are named by QQ number, and times are UTC.
"""


class Manifest(msgspec.Struct, frozen=True):
    """
    What a copy is. ``position`` is up to where the log was read; ``files`` are all others.
    """

    format: str
    id: UUID
    qq: int | None
    asked_at: datetime
    made_at: datetime
    position: str
    files: list[File]


class _Relations(msgspec.Struct, frozen=True):
    friends: list[Friend]
    asked: list[Friend]
    asking: list[Friend]
    blocked: list[Friend]
    followed: list[Friend]


class _Profile(msgspec.Struct, frozen=True):
    account: Account


class Space(msgspec.Struct, frozen=True):
    """How the member chose that their space looks, and arranged its page."""

    look: ShownLook
    page: HomeSettings


class Contents:
    """
    A member's copy, as pieces of a zip.

    :param asked: the copy that is fetched.
    """

    def __init__(self, app: Services, member: MemberId, asked: Asked) -> None:
        self._app = app
        self._member = member
        self._asked = asked
        self._cell = cell_of(member)
        self._presenter = Presenter(app, member)
        self._qqs: QQs = {}
        #: The photos that are told of, and where their bytes stand in the zip.
        self._originals: list[tuple[str, Rendition]] = []

    async def pieces(self) -> AsyncIterator[bytes]:
        """The zip."""
        app, cell = self._app, self._cell
        now, until = app.clock.now(), (await app.log.heads())[cell]
        await app.freshness.wait_for({cell: until}, _FRESH_SECONDS_MAX, _MODELS)
        archive = Archive(now)
        account = self._presenter.account(await self._account())
        files: list[tuple[str, AsyncIterator[bytes]]] = [
            ("README.txt", _whole(_README.encode())),
            ("profile.json", _whole(encode_json(_Profile(account)))),
            ("relations.json", _whole(encode_json(await self._relations()))),
            ("space.json", _whole(encode_json(await self._space(now)))),
            ("made.ndjson", self._made(until)),
            ("wallet.json", _whole(encode_json(await self._wallet(now)))),
            ("ledger.ndjson", self._ledger()),
            ("decisions.ndjson", self._decisions()),
        ]
        for path, pieces in files:
            async for ready in archive.add(path, pieces):
                yield ready
        for path, original in self._originals:
            async for ready in archive.add(path, self._bytes(original), packed=False):
                yield ready
        manifest = Manifest(
            FORMAT,
            self._asked.export,
            account.qq,
            self._asked.asked_at,
            now,
            f"{cell}-{until}",
            list(archive.files),
        )
        async for ready in archive.add("manifest.json", _whole(encode_json(manifest))):
            yield ready
        yield archive.end()

    async def _space(self, now: datetime) -> Space:
        look = (await self._look(decorations.decoration, now)).look
        home, _ = await self._look(homes.own_home)
        page = HomePresenter(self._app, self._member).settings(home, look, None)
        return Space(shown_look(look), page)

    async def _account(self) -> people.MemberView:
        found = await self._app.look(people.members, self._member, [self._member])
        return found[self._member]

    async def _relations(self) -> _Relations:
        async def tied(state: people.FriendState) -> list[Friend]:
            return [
                self._presenter.friend(one)
                async for one in _walked(
                    lambda mark: self._look(people.friends, state, mark, _STEP),
                    _MAX,
                    lambda one: one.bond,
                )
            ]

        async def ties(read: Callable[..., Awaitable[list[people.TieView]]]) -> list[Friend]:
            return [
                self._presenter.friend(one)
                async for one in _walked(
                    lambda mark: self._look(read, mark, _STEP),
                    _MIN,
                    lambda one: one.member.member,
                )
            ]

        return _Relations(
            friends=await tied("friends"),
            asked=await tied("outgoing"),
            asking=await tied("incoming"),
            blocked=await ties(people.blocked),
            followed=await ties(people.followed),
        )

    async def _made(self, until: int) -> AsyncIterator[bytes]:
        """What a stream came to stands where it began; each is read whole, and one at a time."""
        facet, after = owner_facet(self._member), 0
        while True:
            found = await self._look_at(audits.trail, self._cell, facet, after, until, _STEP)
            begun = [
                recorded.stream
                for recorded in await self._app.events_at(self._cell, found)
                if recorded.version == 1 and isinstance(recorded.event, BEGINNINGS)
            ]
            for stream in begun:
                if lines := await self._lines(stream, until):
                    yield lines
            if len(found) < _STEP:
                return
            after = found[-1]

    async def _lines(self, stream: StreamId, until: int) -> bytes:
        history: Sequence[Recorded] = [
            one for one in await self._app.log.read_stream(stream) if one.position <= until
        ]
        await self._know(mentioned(history))
        items = made(history, self._app.vault.open, self._qqs)
        first = history[0].event
        if isinstance(first, PhotoAdded | PhotoHeld):
            original = first.picture.original
            self._originals += [(one.file, original) for one in items if isinstance(one, MadePhoto)]
        return b"".join(encode_json(item) + b"\n" for item in items)

    async def _bytes(self, original: Rendition) -> AsyncIterator[bytes]:
        """A photo's; none where it was deleted since it was told of."""
        with contextlib.suppress(Refused):
            async for piece in self._app.pictures.read(self._member, original):
                yield piece

    async def _know(self, members: set[MemberId]) -> None:
        """Learn the QQ numbers of members, as far as they are not known."""
        if unknown := members - self._qqs.keys():
            found = await self._app.look(people.members, self._member, list(unknown))
            for member, view in found.items():
                if (qq := self._app.open(view.profile.qq)) is not None:
                    self._qqs[MemberId(member)] = int(qq)

    async def _wallet(self, now: datetime) -> Any:
        return wallet(await self._app.look(wallets.wallet, self._member), self._member, now)

    async def _ledger(self) -> AsyncIterator[bytes]:
        before = (_END, (1 << 15) - 1)
        while True:
            view = await self._app.look(ledgers.postings, self._member, before, _STEP)
            items = [posting(one, view.lots, self._cell) for one in view.postings]
            yield b"".join(encode_json(item) + b"\n" for item in items)
            if len(items) < _STEP:
                return
            before = (view.postings[-1].position, view.postings[-1].line)

    async def _decisions(self) -> AsyncIterator[bytes]:
        async for view in _walked(
            lambda mark: self._look(decisions.of_owner, mark, _STEP),
            _END,
            lambda one: one.position,
        ):
            notes = {}
            if view.told == "full":
                notes = await self._app.look(decisions.public_notes, view.cell, [view.case])
            told = decision(self._app, view, notes.get(view.decision, ()))
            yield encode_json(told) + b"\n"

    async def _look(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        return await self._app.look(read, self._member, *arguments)

    async def _look_at(self, read: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        return await self._app.look(read, *arguments)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _walked(
    page: Callable[[Any], Awaitable[list[Any]]], first: Any, mark: Callable[[Any], Any]
) -> AsyncIterator[Any]:
    """All of a list, a page at a time."""
    at = first
    while True:
        views = await page(at)
        for view in views:
            yield view
        if len(views) < _STEP:
            return
        at = mark(views[-1])
