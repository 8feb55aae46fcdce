"""
A copy of a space, brought in elsewhere: lists, look and posts, with the times they had.

What is brought in goes the way of everything that is published: screened by the rules of this
place, in the name of its member. What stands here already is not brought in twice.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from api.exports.items import MadeAudience, MadeList, MadePost
from api.exports.reading import CopyReader
from api.homes import HomeSettings
from commands.decorations import ChangeDecoration, change
from commands.directory import Directory
from commands.executor import Executor, Handler
from commands.homes import ChangeHome, ModuleNames, SectionPrivacy
from commands.homes import change as change_home
from commands.lists import ListHandlers, SaveList
from commands.posts import Copied, PostHandlers, PublishPost
from commands.types import AudienceChoice, ToFriends, ToList, ToOnlyMe, ToPublic
from commands.work import Context
from domain.audience import LISTED_MAX
from domain.event import Refused
from domain.ids import MemberId, cell_of
from domain.looks import SLOTS

_BROUGHT: Final = "brought in"


class Importer:
    """
    Brings a copy into a member's space.

    :param counts: how many of each kind were brought in, were here, or why they were not.
    """

    def __init__(self, executor: Executor, member: MemberId) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._executor = executor
        self._member = member
        self._directory = Directory(executor.log, executor.vault)
        self._posts = PostHandlers(self._directory)
        self._lists = ListHandlers(self._directory)
        #: What the lists of the copy are called, by their ids there.
        self._names: dict[UUID, str] = {}

    async def bring(self, copy: CopyReader) -> None:
        """All of it; what is refused is counted with the reason, and the rest goes on."""
        for one in copy.made():
            if isinstance(one, MadeList) and one.name is not None:
                self._names[one.id] = one.name
                saved = SaveList(one.name, await self._known(one.members))
                self.counts["list", await self._try(self._lists.save, saved)] += 1
        space = copy.space()
        await self._bring_look(space.look)
        await self._bring_page(space.page)
        for one in copy.made():
            if isinstance(one, MadePost):
                await self._bring_post(one)

    async def _bring_post(self, post: MadePost) -> None:
        if post.state == "taken_down":
            self.counts["post", "taken down there"] += 1
            return
        if post.text is None or post.type == "share":
            reason = "a share of what is not here" if post.type == "share" else "cannot be read"
            self.counts["post", reason] += 1
            return
        try:
            command = msgspec.convert(await self._published(post), type=PublishPost)
        except msgspec.ValidationError as error:
            self.counts["post", str(error)] += 1
            return
        copied = Copied(post.id, post.published_at.astimezone(UTC))
        publish = partial(self._posts.publish, copied=copied)
        became = await self._try(publish, command)
        if became == "consent-missing":
            became = await self._try(publish, msgspec.structs.replace(command, location=None))
        self.counts["post", became] += 1

    async def _published(self, post: MadePost) -> dict[str, Any]:
        """The post as its author would publish it here."""
        body: dict[str, Any] = {
            "kind": post.type,
            "text": post.text,
            "audience": msgspec.to_builtins(await self._audience(post.audience)),
            "mood": post.mood,
            "location": post.location,
            "mentions": post.mentions,
            "commenting": post.commenting,
        }
        if post.title is not None:
            body["title"] = post.title
        if post.poll is not None:
            body["poll"] = msgspec.to_builtins(post.poll)
        return body

    async def _audience(self, audience: MadeAudience) -> AudienceChoice:
        match audience.to:
            case "public":
                return ToPublic()
            case "friends":
                return ToFriends()
            case "only_me":
                return ToOnlyMe()
            case "list":
                name = None if audience.list is None else self._names.get(audience.list)
                if name is not None:
                    return ToList(name=name)
                return ToList(await self._known(audience.members))

    async def _known(self, numbers: Sequence[int]) -> list[int]:
        """Those of the QQ numbers that have an account here."""
        return [qq for qq in numbers[:LISTED_MAX] if await self._directory.find(qq) is not None]

    async def _bring_look(self, look: Any) -> None:
        """Slot by slot: what the member is not entitled to here does not keep back the rest."""
        chosen = msgspec.to_builtins(look)
        page = {key: value for key, value in chosen.items() if key not in SLOTS}
        for changes in (page, *({slot: chosen[slot]} for slot in SLOTS if chosen[slot])):
            command = msgspec.convert(changes, type=ChangeDecoration)
            self.counts["look", await self._try(change, command)] += 1

    async def _bring_page(self, page: HomeSettings) -> None:
        named = {one.module: one.name for one in page.modules if one.name is not None}
        names = msgspec.convert(named, type=ModuleNames)
        privacy = msgspec.convert(page.privacy, type=SectionPrivacy)
        # For whom a section is does not wait for what the rules say of a name.
        for command in (ChangeHome(privacy=privacy, board=page.board), ChangeHome(names=names)):
            self.counts["page", await self._try(change_home, command)] += 1

    async def _try(self, handler: Handler[Any], command: Any) -> str:
        """Run a command in the member's name; what became of it."""
        cell = cell_of(self._member)
        which = self._executor.new_id(cell)
        context = Context(self._member, cell, which, which, self._executor.clock.now())
        try:
            await self._executor.execute(handler, command, context)
        except Refused as no:
            return "here already" if no.problem == "already-published" else no.problem
        return _BROUGHT


def told(counts: Counter[tuple[str, str]]) -> Iterable[str]:
    """What became of everything, a line each."""
    for (kind, became), number in sorted(counts.items()):
        yield f"{kind}: {number} {became}"
