"""
Commands about posts: publish, edit, delete, change the audience.
"""

from typing import Annotated, TypeAlias, assert_never
from uuid import UUID

import msgspec

from commands.audiences import chosen_audience
from commands.consents import consenting
from commands.copies import Copied
from commands.directory import Directory
from commands.images import own_images
from commands.mentions import MENTIONS_MAX, mentioned, numbers_in
from commands.polls import AskPoll, asked
from commands.referrals import changed, nothing_to_decide, published_as
from commands.relations import acting_member, check_id, publishing_member, visible_post
from commands.retentions import retain
from commands.types import (
    AudienceChoice,
    DiaryText,
    Images,
    Location,
    Mentions,
    Mood,
    Precondition,
    ShareText,
    ShuoshuoText,
    Title,
    ToOnlyMe,
)
from commands.wording import (
    changed_content,
    changed_words,
    content_of,
    opened_options,
    options_of,
)
from commands.work import Outcome, Work
from domain import post as decisions
from domain.case_events import Subject
from domain.event import Refused
from domain.ids import MemberId, PostId, cell_of
from domain.poll import Poll
from domain.post import (
    DIARY_LENGTH_MAX,
    POST,
    SHUOSHUO_LENGTH_MAX,
    Deleted,
    Held,
    Live,
    post_stream,
)
from domain.post_events import Commenting, PostEvent, PostKind
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
    commenting: Commenting = "everyone"
    mentions: Mentions = []


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
    commenting: Commenting = "everyone"
    mentions: Mentions = []


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
    commenting: Commenting = "everyone"
    mentions: Mentions = []


class PublishPoll(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="poll"
):
    """A question, and what one may answer."""

    text: ShuoshuoText
    audience: AudienceChoice
    poll: AskPoll
    mood: Mood | None = None
    images: Images = []
    location: Location | None = None
    commenting: Commenting = "everyone"
    mentions: Mentions = []


PublishPost: TypeAlias = PublishShuoshuo | PublishDiary | PublishShare | PublishPoll


class EditPost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    Change what is named; null takes mood or location away. What a poll asks never changes: who
    voted, voted on that.
    """

    text: Annotated[str, msgspec.Meta(max_length=DIARY_LENGTH_MAX)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    title: Title | msgspec.UnsetType = msgspec.UNSET
    mood: Mood | msgspec.UnsetType | None = msgspec.UNSET
    location: Location | msgspec.UnsetType | None = msgspec.UNSET
    images: Images | msgspec.UnsetType = msgspec.UNSET
    commenting: Commenting | msgspec.UnsetType = msgspec.UNSET
    mentions: Mentions | msgspec.UnsetType = msgspec.UNSET


class PostHandlers:
    """The handlers, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def publish(
        self, command: PublishPost, work: Work, *, copied: Copied | None = None
    ) -> Outcome:
        """Publish a post; one from a copy, once."""
        author = await publishing_member(work)
        images = await own_images(work, author, command.images)
        if command.location is not None:
            await consenting(work, author, "location", "/location")
        audience = await chosen_audience(
            work, self._directory, author, command.audience, "/audience"
        )
        post, at = PostId(work.mint(cell_of(author))), None
        if copied is not None:
            post = PostId(copied.here("post", author))
            at = copied.at(work.context.effective_at)
        stream = post_stream(post)
        state = work.fresh(POST, stream) if copied is None else await work.load(POST, stream)
        # Before anything is sealed: of what was deleted here the key may be gone.
        decisions.check_unwritten(state)
        kind, share_of, original_author, poll = await self._what(command, author, post, work)
        words = {
            "text": command.text,
            "title": command.title if isinstance(command, PublishDiary) else None,
            "mood": command.mood,
            "location": command.location,
        }
        options = command.poll.options if isinstance(command, PublishPoll) else []
        found = await work.screen(cell_of(author), {**words, **options_of(options)})
        numbers = [*command.mentions, *numbers_in(command.text)]
        mentions = await mentioned(self._directory, author, numbers)
        content = await content_of(work, author, post, words, images, mentions)
        commenting = command.commenting
        events = decisions.publish(
            state, author, kind, content, audience, share_of, found, poll, commenting, at
        )
        work.append(POST, stream, author, credited(events, original_author))
        subject = Subject("post", post, author)
        became, refused = await published_as(work, subject, found, len(events))
        return Outcome(post, (stream, 1), state=became, status=201, refused=refused)

    async def _what(
        self, command: PublishPost, author: MemberId, post: PostId, work: Work
    ) -> tuple[PostKind, PostId | None, MemberId | None, Poll | None]:
        """Which kind of post it is, what it shares, of whom, and what it asks."""
        match command:
            case PublishShuoshuo():
                return "shuoshuo", None, None, None
            case PublishDiary():
                return "diary", None, None, None
            case PublishPoll(poll=ask):
                return "poll", None, None, await asked(work, author, post, ask)
            case PublishShare():
                share_of = PostId(command.share_of)
                shared = await visible_post(work, author, share_of, "no-such-post", "/share_of")
                if shared.share_of is not None:
                    # A share of a share points at the original, as long as that can be seen.
                    share_of = shared.share_of
                    shared = await visible_post(work, author, share_of, "no-such-post", "/share_of")
                return "share", share_of, shared.author, None
            case _:
                assert_never(command)

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
        if isinstance(command.location, str):
            await consenting(work, editor, "location", "/location")
        # All of it, not what changed alone: what matches may stand in both.
        current = live.content
        changes = {
            "text": command.text,
            "title": command.title,
            "mood": command.mood,
            "location": command.location,
        }
        words = changed_words(work, current, changes)
        images = current.images
        if command.images is not msgspec.UNSET:
            images = await own_images(work, editor, command.images)
        mentions = await self._mentions_after(editor, work, live, command)
        content = await changed_content(work, editor, post, current, changes, images, mentions)
        stream = post_stream(post)
        state = await work.load(POST, stream)
        limits: tuple[PostEvent, ...] = ()
        if command.commenting is not msgspec.UNSET:
            limits = decisions.change_commenting(state, editor, command.commenting)
        if content == current:
            work.append(POST, stream, editor, limits)
            version = work.version(stream) + 1 if limits else live.version
            return Outcome(post, (stream, version), state=_state_of(state) or "published")
        found = await work.screen(cell_of(editor), {**words, **opened_options(work, live.poll)})
        subject = Subject("post", post, editor)
        if found is not None and found.outcome == "refused":
            attempt = PostId(work.mint(cell_of(editor)))
            fresh = work.fresh(POST, post_stream(attempt))
            refusals = decisions.refuse_edit(fresh, post, editor, content, found)
            work.append(POST, post_stream(attempt), editor, refusals)
            _, refused = await published_as(work, subject, found, work.version(stream))
            return Outcome(post, (post_stream(attempt), 1), refused=refused)
        limited = POST.fold(limits, state, work.version(stream))
        events = decisions.edit(limited, editor, content, found)
        work.append(POST, stream, editor, (*limits, *events))
        version = work.version(stream) + len(limits) + len(events)
        became, _ = await published_as(work, subject, found, version, edit=True)
        settled = False
        if found is None and isinstance(state, Live) and state.pending is not None:
            settled = await nothing_to_decide(work, subject, "replaced", {"edit_held"})
        if not settled:
            await changed(work, subject, found, version)
        return Outcome(post, (stream, version - len(events) + 1), state=_state_of(state) or became)

    async def _mentions_after(
        self, editor: MemberId, work: Work, live: Live, command: EditPost
    ) -> tuple[MemberId, ...]:
        """Whom a post mentions after an edit: what its text does, and what is named beside it."""
        current = live.content.mentions
        if command.text is msgspec.UNSET and command.mentions is msgspec.UNSET:
            return current
        before = numbers_in(work.vault.open(live.content.text) or "")
        after = before if command.text is msgspec.UNSET else numbers_in(command.text)
        if command.mentions is not msgspec.UNSET:
            return await mentioned(self._directory, editor, [*command.mentions, *after])
        by_text = await mentioned(self._directory, editor, before)
        named = tuple(one for one in current if one not in by_text)
        now = await mentioned(self._directory, editor, after)
        return (*named, *(one for one in now if one not in named))[:MENTIONS_MAX]

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
        audience = await chosen_audience(work, self._directory, editor, command, "")
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
            await retain(work, editor, "post", post)
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


def _state_of(post: decisions.Post) -> str | None:
    """How it waits, if it does."""
    return post.how if isinstance(post, Held) else None


def _check_version(post: decisions.Post, admits: Precondition | None) -> None:
    live = post.post if isinstance(post, Held) else post
    edition = live.edition if isinstance(live, Live) else 0
    if admits is not None and not admits(edition):
        raise Refused("version-mismatch", "The post has changed since it was read.")
