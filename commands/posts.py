"""
Commands about posts: publish, edit, delete, change the audience.
"""

from collections.abc import Callable
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from commands.directory import Directory
from commands.lists import list_named
from commands.referrals import changed, nothing_to_decide, published_as
from commands.relations import acting_member, check_id, publishing_member, visible_post
from commands.types import (
    AudienceChoice,
    DiaryText,
    Images,
    Location,
    Mood,
    ShareText,
    ShuoshuoText,
    Title,
    ToFriends,
    ToList,
    ToOnlyMe,
    ToPublic,
)
from commands.work import Outcome, Work
from domain import post as decisions
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.case_events import Subject
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.named_list import LISTS, lists_stream
from domain.post import (
    DIARY_LENGTH_MAX,
    POST,
    SHUOSHUO_LENGTH_MAX,
    Deleted,
    Held,
    Live,
    post_stream,
)
from domain.post_events import PostContent, PostKind
from domain.sealed import KeyClass, Sealed
from domain.sharing import credited


class PublishShuoshuo(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="shuoshuo"
):
    """A short post."""

    text: ShuoshuoText
    audience: AudienceChoice
    mood: Mood | None = None
    images: Images = []
    location: Location | None = None


class PublishDiary(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="diary"
):
    """A diary."""

    title: Title
    text: DiaryText
    audience: AudienceChoice
    mood: Mood | None = None
    images: Images = []
    location: Location | None = None


class PublishShare(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="share"
):
    """Another's post, with words of one's own or without."""

    share_of: UUID
    audience: AudienceChoice
    text: ShareText = ""
    mood: Mood | None = None
    images: Images = []
    location: Location | None = None


#: Whether a change may be made to an edition of the post.
Precondition: TypeAlias = Callable[[int], bool]

PublishPost: TypeAlias = PublishShuoshuo | PublishDiary | PublishShare


class EditPost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Change what is named; null takes mood or location away."""

    text: Annotated[str, msgspec.Meta(max_length=DIARY_LENGTH_MAX)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    title: Title | msgspec.UnsetType = msgspec.UNSET
    mood: Mood | msgspec.UnsetType | None = msgspec.UNSET
    location: Location | msgspec.UnsetType | None = msgspec.UNSET


class PostHandlers:
    """The handlers, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def publish(self, command: PublishPost, work: Work) -> Outcome:
        """Publish a post."""
        author = await publishing_member(work)
        if command.images:
            raise Refused("no-such-image", "There is no such image of yours.", "/images/0")
        audience = await self._audience(command.audience, author, work, "/audience")
        share_of: PostId | None = None
        original_author: MemberId | None = None
        title: str | None = None
        match command:
            case PublishShuoshuo():
                kind: PostKind = "shuoshuo"
            case PublishDiary():
                kind, title = "diary", command.title
            case PublishShare():
                kind, share_of = "share", PostId(command.share_of)
                shared = await visible_post(work, author, share_of, "no-such-post", "/share_of")
                if shared.share_of is not None:
                    # A share of a share points at the original, as long as that can be seen.
                    share_of = shared.share_of
                    shared = await visible_post(work, author, share_of, "no-such-post", "/share_of")
                original_author = shared.author
        said = {
            "text": command.text,
            "title": title,
            "mood": command.mood,
            "location": command.location,
        }
        found = await work.screen(cell_of(author), said)
        content = PostContent(
            text=await work.vault.seal(author, KeyClass.CONTENT, command.text),
            title=await _seal(work, author, title),
            mood=await _seal(work, author, command.mood),
            location=await _seal(work, author, command.location),
        )
        post = PostId(work.mint(cell_of(author)))
        stream = post_stream(post)
        state = work.fresh(POST, stream)
        events = decisions.publish(state, author, kind, content, audience, share_of, found)
        events = credited(events, original_author)
        work.append(POST, stream, author, events)
        subject = Subject("post", post, author)
        became, refused = await published_as(work, subject, found, len(events))
        return Outcome(post, (stream, 1), state=became, status=201, refused=refused)

    async def edit(
        self, post: PostId, command: EditPost, work: Work, *, admits: Precondition | None = None
    ) -> Outcome:
        """Change what a post says."""
        editor, live = await self._own(post, admits, work, publishing=True)
        limit = DIARY_LENGTH_MAX if live.kind == "diary" else SHUOSHUO_LENGTH_MAX
        if command.text is not msgspec.UNSET:
            if len(command.text) > limit:
                raise Refused("too-long", f"At most {limit} characters.", "/text")
            if not command.text and live.kind != "share":
                raise Refused("too-short", "A post says something.", "/text")
        # All of it, not what changed alone: what matches may stand in both.
        current = live.content
        said = {
            "text": _changed(work, current.text, command.text),
            "title": _changed(work, current.title, command.title),
            "mood": _changed(work, current.mood, command.mood),
            "location": _changed(work, current.location, command.location),
        }
        stream = post_stream(post)
        content = PostContent(
            text=await _resealed(work, editor, current.text, command.text) or current.text,
            title=await _resealed(work, editor, current.title, command.title),
            mood=await _resealed(work, editor, current.mood, command.mood),
            location=await _resealed(work, editor, current.location, command.location),
        )
        state = await work.load(POST, stream)
        if content == current:
            return Outcome(post, (stream, live.version), state=_state_of(state) or "published")
        found = await work.screen(cell_of(editor), said)
        subject = Subject("post", post, editor)
        if found is not None and found.outcome == "refused":
            attempt = PostId(work.mint(cell_of(editor)))
            fresh = work.fresh(POST, post_stream(attempt))
            refusals = decisions.refuse_edit(fresh, post, editor, content, found)
            work.append(POST, post_stream(attempt), editor, refusals)
            _, refused = await published_as(work, subject, found, work.version(stream))
            return Outcome(post, (post_stream(attempt), 1), refused=refused)
        events = decisions.edit(state, editor, content, found)
        work.append(POST, stream, editor, events)
        version = work.version(stream) + len(events)
        became, _ = await published_as(work, subject, found, version, edit=True)
        settled = False
        if found is None and isinstance(state, Live) and state.pending is not None:
            settled = await nothing_to_decide(work, subject, "replaced", {"edit_held"})
        if not settled:
            await changed(work, subject, found, version)
        return Outcome(post, (stream, version - len(events) + 1), state=_state_of(state) or became)

    async def change_audience(
        self,
        post: PostId,
        command: AudienceChoice,
        work: Work,
        *,
        admits: Precondition | None = None,
    ) -> Outcome:
        """Change whom a post is for."""
        # For more people than before, it is published to them: who is restricted may but withdraw.
        wider = not isinstance(command, ToOnlyMe)
        editor, live = await self._own(post, admits, work, publishing=wider)
        audience = await self._audience(command, editor, work, "")
        stream = post_stream(post)
        state = await work.load(POST, stream)
        work.append(POST, stream, editor, decisions.change_audience(state, editor, audience))
        return Outcome(post, (stream, live.audience_since), state=_state_of(state) or "published")

    async def delete(
        self, post: PostId, work: Work, *, admits: Precondition | None = None
    ) -> Outcome:
        """Take a post away."""
        editor = await acting_member(work)
        check_id(work, post)
        stream = post_stream(post)
        state = await work.load(POST, stream)
        events = decisions.delete(await self._or_hidden(state, post, editor, work), editor)
        _check_version(state, admits if events else None)
        if events:
            work.append(POST, stream, editor, events)
            await nothing_to_decide(work, Subject("post", post, editor), "deleted")
        since = state.since if isinstance(state, Deleted) else work.version(stream) + 1
        return Outcome(post, (stream, since), state="deleted")

    async def _own(
        self, post: PostId, admits: Precondition | None, work: Work, *, publishing: bool = False
    ) -> tuple[MemberId, Live]:
        editor = await (publishing_member(work) if publishing else acting_member(work))
        check_id(work, post)
        state = await work.load(POST, post_stream(post))
        live = decisions.own(await self._or_hidden(state, post, editor, work), editor)
        _check_version(state, admits)
        return editor, live

    async def _or_hidden(
        self, state: decisions.Post, post: PostId, editor: MemberId, work: Work
    ) -> decisions.Post:
        """Another's post that the editor may not even see is not found, rather than not theirs."""
        if isinstance(state, Live) and state.author != editor:
            return await visible_post(work, editor, post)
        return state

    async def _audience(
        self, choice: AudienceChoice, author: MemberId, work: Work, at: str
    ) -> Audience:
        match choice:
            case ToPublic():
                return Public()
            case ToFriends():
                return Friends()
            case ToOnlyMe():
                return OnlyMe()
            case ToList(members=None, name=str(name)):
                lists = await work.load(LISTS, lists_stream(author, cell_of(author)))
                which = list_named(work.vault, lists, author, name)
                if which not in lists.lists:
                    raise Refused("no-such-list", "You have no list of this name.", f"{at}/name")
                return Listed(named=which)
            case ToList(members=list(numbers), name=None):
                members = await self._directory.members(numbers, f"{at}/list")
                return Listed(members=frozenset(members) - {author})
            case _:
                raise Refused("list-or-name", "Name the members, or one of your lists.", at)


def _changed(
    work: Work, current: Sealed[str] | None, to: str | msgspec.UnsetType | None
) -> str | None:
    """What a field says after a change."""
    if to is not msgspec.UNSET:
        return to
    return None if current is None else work.vault.open(current)


async def _resealed(
    work: Work, author: MemberId, current: Sealed[str] | None, to: str | msgspec.UnsetType | None
) -> Sealed[str] | None:
    return current if to is msgspec.UNSET else await _seal(work, author, to)


def _state_of(post: decisions.Post) -> str | None:
    """How it waits, if it does."""
    return post.how if isinstance(post, Held) else None


async def _seal(work: Work, author: MemberId, text: str | None) -> Sealed[str] | None:
    return None if text is None else await work.vault.seal(author, KeyClass.CONTENT, text)


def _check_version(post: decisions.Post, admits: Precondition | None) -> None:
    live = post.post if isinstance(post, Held) else post
    edition = live.edition if isinstance(live, Live) else 0
    if admits is not None and not admits(edition):
        raise Refused("version-mismatch", "The post has changed since it was read.")
