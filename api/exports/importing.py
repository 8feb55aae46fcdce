"""
A copy of a space, brought in elsewhere: lists, look, albums with their photos, and posts, with the
times they had.

What is brought in goes the way of everything that is published: screened by the rules of this
place, in the name of its member. What stands here already is not brought in twice.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from functools import partial
from typing import Any

import msgspec

from api.exports.albums import AlbumImporter
from api.exports.bringing import TAKEN_DOWN, UNREADABLE, Bringing
from api.exports.items import MadeList, MadePost
from api.exports.reading import CopyReader
from api.homes import HomeSettings
from commands.copies import Copied
from commands.decorations import ChangeDecoration, change
from commands.executor import Executor
from commands.homes import ChangeHome, ModuleNames, SectionPrivacy
from commands.homes import change as change_home
from commands.lists import ListHandlers, SaveList
from commands.pictures import Pictures, Uploads
from commands.posts import PostHandlers, PublishPost
from domain.ids import MemberId
from domain.looks import SLOTS


class Importer:
    """Brings a copy into a member's space; ``counts`` says what became of what is in it."""

    def __init__(
        self, executor: Executor, member: MemberId, uploads: Uploads, pictures: Pictures
    ) -> None:
        self._bringing = Bringing(executor, member)
        self._albums = AlbumImporter(self._bringing, uploads, pictures)
        self._posts = PostHandlers(self._bringing.directory)
        self._lists = ListHandlers(self._bringing.directory)
        self.counts = self._bringing.counts

    async def bring(self, copy: CopyReader) -> None:
        """All of it; what is refused is counted with the reason, and the rest goes on."""
        for one in copy.made():
            if isinstance(one, MadeList) and one.name is not None:
                self._bringing.lists[one.id] = one.name
                saved = SaveList(one.name, await self._bringing.known(one.members))
                self.counts["list", await self._bringing.attempt(self._lists.save, saved)] += 1
        space = copy.space()
        await self._bring_look(space.look)
        await self._bring_page(space.page)
        await self._albums.bring(copy)
        for one in copy.made():
            if isinstance(one, MadePost):
                await self._bring_post(one)

    async def _bring_post(self, post: MadePost) -> None:
        if post.state == "taken_down":
            self.counts["post", TAKEN_DOWN] += 1
            return
        if post.text is None or post.type == "share":
            reason = "a share of what is not here" if post.type == "share" else UNREADABLE
            self.counts["post", reason] += 1
            return
        try:
            command = msgspec.convert(await self._published(post), type=PublishPost)
        except msgspec.ValidationError as error:
            self.counts["post", str(error)] += 1
            return
        copied = Copied(post.id, post.published_at.astimezone(UTC))
        publish = partial(self._posts.publish, copied=copied)
        became = await self._bringing.attempt(publish, command)
        if became == "consent-missing":
            nowhere = msgspec.structs.replace(command, location=None)
            became = await self._bringing.attempt(publish, nowhere)
        self.counts["post", became] += 1

    async def _published(self, post: MadePost) -> dict[str, Any]:
        """The post as its author would publish it here."""
        here = self._albums.images
        if missing := sum(one not in here for one in post.images):
            self.counts["image", "not here to be shown"] += missing
        body: dict[str, Any] = {
            "kind": post.type,
            "text": post.text,
            "audience": msgspec.to_builtins(await self._bringing.audience(post.audience)),
            "mood": post.mood,
            "location": post.location,
            "mentions": post.mentions,
            "commenting": post.commenting,
            "images": [here[one] for one in post.images if one in here],
        }
        if post.title is not None:
            body["title"] = post.title
        if post.poll is not None:
            body["poll"] = msgspec.to_builtins(post.poll)
        return body

    async def _bring_look(self, look: Any) -> None:
        """Slot by slot: what the member is not entitled to here does not keep back the rest."""
        chosen = msgspec.to_builtins(look)
        page = {key: value for key, value in chosen.items() if key not in SLOTS}
        for changes in (page, *({slot: chosen[slot]} for slot in SLOTS if chosen[slot])):
            command = msgspec.convert(changes, type=ChangeDecoration)
            self.counts["look", await self._bringing.attempt(change, command)] += 1

    async def _bring_page(self, page: HomeSettings) -> None:
        named = {one.module: one.name for one in page.modules if one.name is not None}
        names = msgspec.convert(named, type=ModuleNames)
        privacy = msgspec.convert(page.privacy, type=SectionPrivacy)
        # For whom a section is does not wait for what the rules say of a name.
        for command in (ChangeHome(privacy=privacy, board=page.board), ChangeHome(names=names)):
            self.counts["page", await self._bringing.attempt(change_home, command)] += 1


def told(counts: Counter[tuple[str, str]]) -> Iterable[str]:
    """What became of everything, a line each."""
    for (kind, became), number in sorted(counts.items()):
        yield f"{kind}: {number} {became}"
