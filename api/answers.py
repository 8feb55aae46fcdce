"""
What clients receive: the Structs of answers, and how views become them.

Here, at the edge, sealed columns are opened; nothing further inside ever is.
"""

from collections.abc import Iterable
from typing import Literal, cast
from uuid import UUID

import msgspec

from api.http.answers import encode_json
from api.looks import ShownLook, shown_look
from api.services import Services
from commands.types import Moment
from domain.looks import PLAIN, Look
from domain.picture import PictureFormat, Rendition, Size
from projections.reading.people import FriendView, ListView, MemberView, TieView
from projections.reading.posts import PostView, Profile, Waits
from projections.reading.responses import CommentView, LikeView


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a write answers: the id of the thing, and where the log holds what made it so."""

    id: UUID
    position: str
    state: str | None = None


class Certification(msgspec.Struct, frozen=True):
    """What a space is certified as, and under which name."""

    type: str
    name: str | None


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member as others see one."""

    qq: int | None
    nickname: str | None
    certification: Certification | None = None


class PollOption(msgspec.Struct, frozen=True, omit_defaults=True):
    """An option of a poll, and how many chose it: told as the poll's results are."""

    text: str | None
    votes: int | None = None


class Poll(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What a post asks. Results, ``votes`` and how many ``voters`` there are, are told to its author,
    to whoever has voted, and to all once it has closed; who voted for what, to nobody. ``voted``
    is what the viewer chose.
    """

    options: list[PollOption]
    choose: int
    closed: bool
    closes_at: Moment | None = None
    voters: int | None = None
    voted: list[int] = []


class Mention(msgspec.Struct, frozen=True):
    """A member whom a post mentions, as they are called now."""

    qq: int | None
    nickname: str | None


class ImageFile(msgspec.Struct, frozen=True):
    """One size of an image: where its bytes are, as long as the post shows them."""

    url: str
    width: int
    height: int
    format: PictureFormat


class Image(msgspec.Struct, frozen=True, omit_defaults=True):
    """A photo that a post shows, and what it shows for those who do not see it."""

    id: UUID
    thumb: ImageFile
    screen: ImageFile
    original: ImageFile
    alt: str | None = None


class SharedPost(msgspec.Struct, frozen=True, omit_defaults=True):
    """The post that a share is of."""

    id: UUID
    author: Author
    kind: str
    text: str | None
    published_at: Moment
    likes: int
    comments: int
    shares: int
    title: str | None = None
    images: list[Image] = []
    poll: Poll | None = None
    mentions: list[Mention] = []


class Preview(msgspec.Struct, frozen=True):
    """That a post is seen by its author alone while somebody looks at it, and until when."""

    text: str
    due: Moment | None


class Post(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A post. ``share`` is the original of a share, null when the viewer cannot see it, whatever the
    reason. ``mentions`` are those who may see the post themselves. ``commenting`` says who may
    comment where not everybody may, ``can_comment`` whether the viewer may. ``audience``, and all
    that waits, is told to the author alone: a ``state`` other than ``published``, and how an edit
    waits (``edit_state``).
    """

    id: UUID
    author: Author
    kind: str
    text: str | None
    published_at: Moment
    likes: int
    comments: int
    shares: int
    liked: bool
    position: str
    version: int
    state: Literal["published", "held", "private_view"]
    title: str | None = None
    mood: str | None = None
    location: str | None = None
    images: list[Image] = []
    edited_at: Moment | None = None
    audience: str | None = None
    share_of: UUID | None = None
    share: SharedPost | None = None
    poll: Poll | None = None
    mentions: list[Mention] = []
    commenting: Literal["friends", "nobody"] | None = None
    can_comment: bool = True
    notice: Preview | None = None
    edit_state: Literal["held", "private_view"] | None = None


class Comment(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A comment. ``thread`` is the comment that began its thread, itself when it did; ``state`` is
    other than ``published`` for its author alone, while it waits.
    """

    id: UUID
    author: Author
    text: str | None
    thread: UUID
    reply_to: UUID | None
    written_at: Moment
    position: str
    state: Literal["published", "held", "private_view"]


class Like(msgspec.Struct, frozen=True):
    """Who likes a post, and since when."""

    member: Author
    liked_at: Moment


class Friend(msgspec.Struct, frozen=True):
    """A friend, or a member who asked or was asked, and since when."""

    qq: int | None
    nickname: str | None
    since: Moment


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account, as its holder and operators see it."""

    id: UUID
    qq: int | None
    nickname: str | None
    status: str
    joined_at: Moment
    position: str
    certification: Certification | None = None
    location_consent: bool = False


class Relation(msgspec.Struct, frozen=True):
    """How the viewer stands to the member whose space it is."""

    friend: Literal["none", "outgoing", "incoming", "friends", "self"]
    follows: bool
    blocked: bool


class Space(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member's home page."""

    id: UUID
    qq: int | None
    nickname: str | None
    joined_at: Moment
    relation: Relation
    posts: list[Post]
    look: ShownLook
    certification: Certification | None = None


class NamedList(msgspec.Struct, frozen=True):
    """A named list and who is on it."""

    id: UUID
    name: str | None
    members: list[Author]
    saved_at: Moment


class Presenter:
    """Turns views into answers for one viewer, opening what is sealed."""

    def __init__(self, services: Services, viewer: UUID) -> None:
        self._open = services.open
        self._shown = services.shown
        self._viewer = viewer
        self._now = services.clock.now

    def author(self, profile: Profile) -> Author:
        """A member."""
        qq = self._open(profile.qq)
        return Author(
            int(qq) if isinstance(qq, str) else qq,
            self._open(profile.nickname),
            self.certification(profile),
        )

    def certification(self, profile: Profile) -> Certification | None:
        """What the member's space is certified as."""
        if profile.certified_as is None:
            return None
        return Certification(profile.certified_as, self._open(profile.certified_name))

    def posts(self, views: Iterable[PostView]) -> list[Post | msgspec.Raw]:
        """Posts, each as it was shown before wherever it is the same."""
        shown = self._shown
        shown.refresh()
        posts: list[Post | msgspec.Raw] = []
        for view in views:
            # Of one's own posts more is told than of another's.
            if not view.lasting or view.author.member == self._viewer:
                posts.append(self.post(view))
            else:
                posts.append(shown.get(view) or shown.hold(view, encode_json(self.post(view))))
        return posts

    def post(self, view: PostView) -> Post:
        """A post."""
        mine = view.author.member == self._viewer
        waits = view.waits if mine else None
        intended = view.audience if waits is None else waits.intended or view.audience
        return Post(
            id=view.post,
            author=self.author(view.author),
            kind=view.kind,
            text=self._open(view.text),
            published_at=view.published_at,
            likes=view.likes,
            comments=view.comments,
            shares=view.shares,
            liked=view.liked,
            position=f"{view.cell}-{view.position}",
            version=view.version,
            state="published" if waits is None or waits.post is None else waits.post,  # type: ignore[arg-type]
            title=self._open(view.title),
            mood=self._open(view.mood),
            location=self._open(view.location),
            edited_at=view.edited_at,
            audience=intended if mine else None,
            share_of=view.share_of if view.shared is not None else None,
            share=None if view.shared is None else self._shared(view.shared),
            images=self._images(view),
            poll=self._poll(view),
            mentions=self._mentions(view),
            commenting=None if view.commenting == "everyone" else view.commenting,  # type: ignore[arg-type]
            can_comment=view.commenting == "everyone"
            or (view.commenting == "friends" and (mine or view.friends)),
            notice=_notice(waits),
            edit_state=None if waits is None else waits.edit,  # type: ignore[arg-type]
        )

    def _shared(self, view: PostView) -> SharedPost:
        return SharedPost(
            id=view.post,
            author=self.author(view.author),
            kind=view.kind,
            text=self._open(view.text),
            published_at=view.published_at,
            likes=view.likes,
            comments=view.comments,
            shares=view.shares,
            title=self._open(view.title),
            images=self._images(view),
            poll=self._poll(view),
            mentions=self._mentions(view),
        )

    def _images(self, view: PostView) -> list[Image]:
        return [
            Image(
                id=image.photo,
                thumb=_file(view.post, image.photo, "thumb", image.thumb),
                screen=_file(view.post, image.photo, "screen", image.screen),
                original=_file(view.post, image.photo, "original", image.original),
                alt=self._open(image.alt),
            )
            for image in view.shown
        ]

    def _mentions(self, view: PostView) -> list[Mention]:
        shown = (self.author(Profile(one.member, one.qq, one.nickname)) for one in view.mentioned)
        return [Mention(one.qq, one.nickname) for one in shown]

    def _poll(self, view: PostView) -> Poll | None:
        """What a post asks, with the results where the viewer is told of them."""
        poll = view.poll
        if poll is None:
            return None
        closed = poll.closes_at is not None and poll.closes_at <= self._now()
        told = closed or bool(poll.voted) or view.author.member == self._viewer
        return Poll(
            options=[
                PollOption(self._open(option), votes if told else None)
                for option, votes in zip(poll.options, poll.votes, strict=True)
            ],
            choose=poll.choose,
            closed=closed,
            closes_at=poll.closes_at,
            voters=poll.voters if told else None,
            voted=list(poll.voted),
        )

    def comment(self, view: CommentView) -> Comment:
        """A comment."""
        return Comment(
            id=view.comment,
            author=self.author(view.author),
            text=self._open(view.text),
            thread=view.thread,
            reply_to=view.reply_to,
            written_at=view.written_at,
            position=f"{view.cell}-{view.position}",
            state=view.waits or "published",  # type: ignore[arg-type]
        )

    def like(self, view: LikeView) -> Like:
        """A like."""
        return Like(self.author(view.member), view.liked_at)

    def friend(self, view: FriendView | TieView) -> Friend:
        """A friend, a blocked member or a followed space."""
        shown = self.author(view.member)
        return Friend(shown.qq, shown.nickname, view.since)

    def named_list(self, view: ListView) -> NamedList:
        """A named list."""
        members = [self.author(profile) for profile in view.members]
        return NamedList(view.id, self._open(view.name), members, view.saved_at)

    def account(self, view: MemberView) -> Account:
        """An account."""
        shown = self.author(view.profile)
        return Account(
            id=view.profile.member,
            qq=shown.qq,
            nickname=shown.nickname,
            status=view.status,
            joined_at=view.joined_at,
            position=f"{view.cell}-{view.position}",
            certification=shown.certification,
            location_consent=view.location_consent,
        )

    def space(self, view: MemberView, posts: list[PostView], look: Look = PLAIN) -> Space:
        """A home page."""
        shown = self.author(view.profile)
        standing = "self" if view.profile.member == self._viewer else view.standing
        return Space(
            id=view.profile.member,
            qq=shown.qq,
            nickname=shown.nickname,
            joined_at=view.joined_at,
            relation=Relation(standing, view.follows, view.blocked),
            posts=cast("list[Post]", self.posts(posts)),
            look=shown_look(look),
            certification=shown.certification,
        )


def _file(post: UUID, photo: UUID, size: Size, rendition: Rendition) -> ImageFile:
    url = f"/v1/photos/{photo}/content?size={size}&post={post}"
    return ImageFile(url, rendition.width, rendition.height, rendition.format)


def _notice(waits: Waits | None) -> Preview | None:
    if waits is None or waits.post != "private_view":
        return None
    return Preview("Only you see this for now: it is looked at within 3 working days.", waits.due)
