"""
What a stream sends: transitions, with what the viewer may see of them at that moment.

Something that appeared and is gone again by the time it is sent is left out: what took it away
is told in any case, and a client that never heard of it has nothing to do.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from api.answers import Author, Comment, Post
from api.homes import HomePresenter, Message
from api.http.answers import encode_json
from api.services import Services
from domain.event import Recorded
from domain.ids import MemberId
from projections.reading.people import MemberView
from projections.reading.streams import Shown, show
from projections.streams import Kind, Transition


class StreamItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One item of a stream.

    `id` is the post's, comment's, message's or like's; for a friendship or an author, the member's.
    `on` is the post that a comment or like is about. What appeared or changed comes whole, as it is
    now; of what was withdrawn there is only its id. `how` a friendship or a request ended:
    `withdrawn`, `declined` or `ended`.
    """

    kind: Kind
    id: UUID
    on: UUID | None = None
    position: str | None = None
    at: datetime | None = None
    author: Author | None = None
    post: Post | None = None
    comment: Comment | None = None
    message: Message | None = None
    how: str | None = None


class Told(msgspec.Struct, frozen=True):
    """A transition of an event, and the cursor of a client that has been told of it."""

    recorded: Recorded
    transition: Transition
    cursor: str


class Sent(msgspec.Struct, frozen=True):
    """An item, ready for the wire."""

    kind: str
    data: bytes
    cursor: str


async def compose(services: Services, viewer: MemberId, told: Sequence[Told]) -> list[Sent] | None:
    """
    The items to send now.

    :returns: None when the viewer may see nothing any more: the stream ends.
    """
    shown = await services.look(show, viewer, [one.transition for one in told])
    if shown is None:
        return None
    present = HomePresenter(services, viewer)
    return [
        Sent(item.kind, encode_json(item), one.cursor)
        for one in told
        if (item := _item(present, shown, one.recorded, one.transition)) is not None
    ]


def _item(
    present: HomePresenter, shown: Shown, recorded: Recorded, one: Transition
) -> StreamItem | None:
    position, at = recorded.at, recorded.recorded_at
    member = shown.members.get(one.member)
    match one.kind:
        case "post.withdrawn" | "comment.withdrawn" | "message.withdrawn" | "like.withdrawn":
            return StreamItem(one.kind, one.id, one.on)
        case "post.appeared" | "post.changed":
            if (view := shown.posts.get(one.id)) is not None:
                post = present.post(view)
                return StreamItem(one.kind, one.id, None, position, at, post.author, post)
        case "comment.appeared":
            if (said := shown.comments.get(one.id)) is not None:
                comment = present.comment(said)
                return StreamItem(
                    one.kind, one.id, one.on, position, at, comment.author, comment=comment
                )
        case "message.appeared":
            if (written := shown.messages.get(one.id)) is not None:
                message = present.message(written)
                return StreamItem(
                    one.kind, one.id, None, position, at, message.author, message=message
                )
        case _ if member is None and one.leaves:
            # Forgotten: who it was is not told any more, and that they are gone is.
            return StreamItem(one.kind, one.id, one.on, how=one.how)
        case _ if member is not None and _stands(shown, member, one):
            author = present.author(member.profile)
            return StreamItem(one.kind, one.id, one.on, position, at, author, how=one.how)
    return None


def _stands(shown: Shown, member: MemberView, one: Transition) -> bool:
    """Whether what has come to pass between the viewer and a member is still so."""
    match one.kind:
        case "like.appeared":
            return (one.on, one.member) in shown.likes and not _apart(member)
        case "friend.requested":
            return member.standing == "incoming" and not _apart(member)
        case "friend.accepted":
            return member.standing == "friends" and not _apart(member)
        case "author.appeared":
            followed = member.follows and member.profile.certified_as is not None
            return (member.standing == "friends" or followed) and not _apart(member)
        case _:
            return True


def _apart(member: MemberView) -> bool:
    return member.blocked or member.blocks_viewer
