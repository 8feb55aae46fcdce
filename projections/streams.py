"""
A stream's transitions: what an event means to one viewer, who saw what they saw just before it.

Clients want to know what came into their sight, changed in it and left it, not what was written to
the log; and whoever never saw a thing must not learn from its withdrawal that there was one. So a
transition is worked out from two moments, just before the event and just after, and both are
history: the same whenever it is asked, by a stream that is open and by one that resumes.

Cells share no order, so a moment is an event's time with its place to break ties. Whom an event can
mean anything to says :mod:`projections.reach`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from domain.audience import Audience, Listed, OnlyMe, Relation, visible
from domain.circle import (
    CircleEvent,
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
)
from domain.comment import (
    CommentApproved,
    CommentHeld,
    CommentRestored,
    CommentWritten,
)
from domain.event import Event, Recorded
from domain.ids import MemberId
from domain.like import LikeGiven, LikeWithdrawn
from domain.message import (
    MessageApproved,
    MessageHeld,
    MessageRestored,
    MessageWritten,
)
from domain.named_list import ListDeleted, ListSaved
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostCommentingChanged,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostHeld,
    PostPollClosed,
    PostPublished,
    PostRejected,
    PostRestored,
    PostUnpublished,
)
from domain.space import CertificationWithdrawn, SpaceCertified
from projections.gates import audience_of
from projections.reach import CommentChange, MessageChange, PostChange

Kind: TypeAlias = Literal[
    "post.appeared",
    "post.changed",
    "post.withdrawn",
    "comment.appeared",
    "comment.withdrawn",
    "message.appeared",
    "message.withdrawn",
    "like.appeared",
    "like.withdrawn",
    "friend.requested",
    "friend.accepted",
    "friend.ended",
    "author.appeared",
    "author.withdrawn",
]


class Moment(NamedTuple):
    """When an event happened, in the one order of all cells."""

    at: datetime
    cell: int
    position: int


def moment_of(recorded: Recorded) -> Moment:
    """An event's moment."""
    return Moment(recorded.recorded_at, recorded.cell, recorded.position)


#: Changes to a post that whoever sees it is told of.
_SEEN = PostEdited | PostEditApproved | PostCommentingChanged | PostPollClosed


class Question(msgspec.Struct, frozen=True):
    """
    What must be known of the moment before an event.

    ``other`` is the member whose posts, board or tie it is about, ``by`` who commented, wrote or
    liked; ``content`` the post whose gate matters, ``list`` a named list that the event itself
    speaks of.
    """

    other: MemberId
    by: MemberId | None = None
    content: UUID | None = None
    list: UUID | None = None


def question(recorded: Recorded, viewer: MemberId) -> Question | None:
    """What to ask about an event and one of those it reaches; None when it means nothing."""
    event = recorded.event
    match event:
        case PostPublished() | PostAudienceChanged() | PostApproved() | PostRestored():
            named = event.audience.named if isinstance(event.audience, Listed) else None
            return Question(event.author, content=recorded.stream, list=named)
        case _ if isinstance(event, PostChange):
            return Question(event.author, content=recorded.stream)
        case ListSaved() | ListDeleted():
            return Question(event.owner, list=event.list)
        case SpaceCertified() | CertificationWithdrawn():
            return Question(event.member)
        case _ if isinstance(event, CommentChange):
            return Question(event.post_author, by=event.author, content=event.post)
        case _ if isinstance(event, MessageChange):
            return Question(event.space, by=event.author)
        case LikeGiven() | LikeWithdrawn():
            return Question(event.post_author, by=event.member, content=event.post)
        case CircleEvent():
            return Question(event.other if event.member == viewer else event.member)
        case _:
            return None


class Standing(msgspec.Struct, frozen=True):
    """
    How a viewer and another stood. ``mine`` and ``theirs`` are the bonds offered, ``known`` the
    last bond in the viewer's half, asked for or offered.
    """

    mine: UUID | None = None
    theirs: UUID | None = None
    known: UUID | None = None
    blocked: bool = False
    blocks_viewer: bool = False
    follows: bool = False
    certified: bool = False

    @property
    def friends(self) -> bool:
        """Whether both halves offer the same bond."""
        return self.mine is not None and self.mine == self.theirs

    @property
    def apart(self) -> bool:
        """Whether either has blocked the other."""
        return self.blocked or self.blocks_viewer

    @property
    def in_feed(self) -> bool:
        """Whether the other's posts, those that may be seen, are in the viewer's feed."""
        return not self.apart and (self.friends or (self.follows and self.certified))

    def after(self, event: Event, viewer: MemberId) -> "Standing":
        """How they stand after an event of either."""
        match event:
            case CircleEvent(member=member):
                mine = member == viewer
                changed = _half_after(event, mine)
            case SpaceCertified():
                changed = {"certified": True}
            case CertificationWithdrawn():
                changed = {"certified": False}
            case _:
                changed = {}
        return msgspec.structs.replace(self, **changed)


def _half_after(event: CircleEvent, mine: bool) -> dict[str, object]:
    half, block = ("mine", "blocked") if mine else ("theirs", "blocks_viewer")
    known = {"known": getattr(event, "bond", None)} if mine else {}
    match event:
        case FriendAsked(bond=bond) | FriendAccepted(bond=bond) | FriendConfirmed(bond=bond):
            return {half: bond, **known}
        case FriendRequestReceived():
            return {half: None, **known}
        case FriendEnded() | FriendLapsed():
            return {half: None, **known}
        case MemberBlocked():
            return {block: True}
        case MemberUnblocked():
            return {block: False}
        case SpaceFollowed() if mine:
            return {"follows": True}
        case SpaceUnfollowed() if mine:
            return {"follows": False}
        case _:
            return {}


class Gate(msgspec.Struct, frozen=True):
    """A gate as it stood. ``list`` is the list that its audience means, when it means one."""

    live: bool
    audience: str
    list: UUID | None


class Before(msgspec.Struct, frozen=True):
    """
    All that mattered just before an event. ``lists`` are those the viewer was on, of those in
    question; ``apart`` says that a block stood between the viewer and who commented or liked;
    ``posts`` are for the list that an event changes.
    """

    standing: Standing
    gate: Gate | None = None
    lists: frozenset[UUID] = frozenset()
    apart: bool = False
    posts: tuple[UUID, ...] = ()


class Transition(msgspec.Struct, frozen=True):
    """
    Something that came into a viewer's sight, changed in it, or left it.

    ``id`` is the post's, the comment's, the message's, the like's or the member's; ``member`` whose
    it is; ``on`` the post that a comment or like is about; ``how`` a friendship or a request ended.
    """

    kind: Kind
    id: UUID
    member: MemberId
    on: UUID | None = None
    how: str | None = None

    @property
    def leaves(self) -> bool:
        """Whether it tells of what is no longer there; all else is gated when it is sent."""
        return self.kind.endswith((".withdrawn", ".ended"))


def transitions(recorded: Recorded, viewer: MemberId, before: Before) -> tuple[Transition, ...]:
    """What an event means to a viewer, in order."""
    event = recorded.event
    match event:
        case _ if isinstance(event, PostChange):
            return tuple(_of_post(recorded, event, viewer, before))
        case _ if isinstance(event, CommentChange | LikeGiven | LikeWithdrawn):
            return tuple(_of_response(recorded, event, viewer, before))
        case _ if isinstance(event, MessageChange):
            return tuple(_of_message(recorded, event, before))
        case ListSaved() | ListDeleted():
            return tuple(_of_list(event, viewer, before))
        case CircleEvent():
            return tuple(_of_circle(event, viewer, before.standing))
        case SpaceCertified() | CertificationWithdrawn() if event.member != viewer:
            after = before.standing.after(event, viewer)
            return tuple(_of_feed(event.member, before.standing, after))
        case _:
            return ()


def _of_post(
    recorded: Recorded,
    event: PostChange,
    viewer: MemberId,
    before: Before,
) -> Iterator[Transition]:
    own = event.author == viewer
    seen = _in_stream(own, before) and _sees(own, before)
    match event:
        case (
            PostPublished(audience=audience)
            | PostAudienceChanged(audience=audience)
            | PostApproved(audience=audience)
            | PostRestored(audience=audience)
        ):
            sees = _in_stream(own, before) and _is_for(audience, own, viewer, before)
        case PostHeld():
            sees = own
        case PostDeleted() | PostRejected() | PostUnpublished():
            sees = False
        case _:
            sees = seen
    # Whom a post is for, and what waits, is told to its author alone: to others nothing changed.
    changes = own or isinstance(event, _SEEN)
    if seen and not sees:
        yield Transition("post.withdrawn", recorded.stream, event.author)
    elif sees and not seen:
        yield Transition("post.appeared", recorded.stream, event.author)
    elif sees and changes:
        yield Transition("post.changed", recorded.stream, event.author)


def _of_response(
    recorded: Recorded,
    event: CommentChange | LikeGiven | LikeWithdrawn,
    viewer: MemberId,
    before: Before,
) -> Iterator[Transition]:
    if before.apart or not _sees(event.post_author == viewer, before):
        return
    stream, on = recorded.stream, event.post
    match event:
        case CommentWritten() | CommentHeld() | CommentApproved() | CommentRestored():
            yield Transition("comment.appeared", stream, event.author, on)
        case _ if isinstance(event, CommentChange):
            yield Transition("comment.withdrawn", stream, event.author, on)
        case LikeGiven(member=member):
            yield Transition("like.appeared", stream, member, on)
        case LikeWithdrawn(member=member):
            yield Transition("like.withdrawn", stream, member, on)


def _of_message(recorded: Recorded, event: MessageChange, before: Before) -> Iterator[Transition]:
    """For the board's owner, to whom it is always open."""
    if before.apart:
        return
    appears = MessageWritten | MessageHeld | MessageApproved | MessageRestored
    kind: Kind = "message.appeared" if isinstance(event, appears) else "message.withdrawn"
    yield Transition(kind, recorded.stream, event.author)


def _of_list(
    event: ListSaved | ListDeleted, viewer: MemberId, before: Before
) -> Iterator[Transition]:
    was = event.list in before.lists
    will = isinstance(event, ListSaved) and viewer in event.members
    if was != will and before.standing.in_feed:
        for post in before.posts:
            yield Transition("post.appeared" if will else "post.withdrawn", post, event.owner)


def _of_circle(event: CircleEvent, viewer: MemberId, before: Standing) -> Iterator[Transition]:
    mine = event.member == viewer
    other = event.other if mine else event.member
    after = before.after(event, viewer)
    match event:
        case FriendRequestReceived() if mine and not after.friends:
            yield Transition("friend.requested", other, other)
        case FriendEnded(bond=bond, how=how) if not mine and bond == before.known:
            yield Transition("friend.ended", other, other, how=how)
        case _ if after.friends and not before.friends:
            if not (mine and isinstance(event, FriendAccepted)):
                yield Transition("friend.accepted", other, other)
    yield from _of_feed(other, before, after)


def _of_feed(other: MemberId, before: Standing, after: Standing) -> Iterator[Transition]:
    """Posts for friends come and go with the friendship, even where a follow keeps the rest."""
    befriended = after.friends and not before.friends
    unfriended = before.friends and not after.friends
    if before.in_feed and (unfriended or not after.in_feed):
        yield Transition("author.withdrawn", other, other)
    if after.in_feed and (befriended or unfriended or not before.in_feed):
        yield Transition("author.appeared", other, other)


def _in_stream(own: bool, before: Before) -> bool:
    return own or before.standing.in_feed


def _sees(own: bool, before: Before) -> bool:
    gate = before.gate
    if gate is None:
        return False
    audience = audience_of(gate.audience) if gate.live else OnlyMe()
    listed = gate.list is not None and gate.list in before.lists
    return visible(gate.live, audience, _relation(own, before.standing, listed))


def _is_for(audience: Audience, own: bool, viewer: MemberId, before: Before) -> bool:
    listed = isinstance(audience, Listed) and (
        viewer in audience.members or audience.named in before.lists
    )
    return visible(True, audience, _relation(own, before.standing, listed))


def _relation(own: bool, standing: Standing, listed: bool) -> Relation:
    return Relation(own, standing.friends, standing.apart, listed)
