"""
What a policy does once a member is gone: ends their ties, and deletes what they wrote, item by
item, by the same events by which a member would have. So counts, notices, streams, cases and bytes
follow as they always do, and a rebuild finds the same.

Nobody acts here in the member's name any longer. Each command is small, and done again it finds
less to do, or nothing.
"""

from typing import Literal, TypeAlias, get_args
from uuid import UUID

import msgspec

from commands.referrals import nothing_to_decide
from commands.work import Outcome, Work
from domain import album as albums
from domain import comment as comments
from domain import gallery as galleries
from domain import like as likes
from domain import message as messages
from domain import named_list as lists
from domain import photo as photos
from domain import post as posts
from domain.album import ALBUM, album_stream
from domain.case_events import Subject
from domain.circle import CIRCLE, circle_stream, part
from domain.comment import COMMENT, comment_stream
from domain.erasure import ERASURE, Begun, erasure_stream
from domain.event import Refused
from domain.gallery import GALLERY, gallery_stream
from domain.ids import AlbumId, CommentId, MemberId, MessageId, PhotoId, PostId, cell_of
from domain.like import LIKE, like_stream
from domain.message import MESSAGE, message_stream
from domain.named_list import LISTS, lists_stream
from domain.photo import PHOTO, photo_stream
from domain.post import POST, post_stream

#: Ties that one command ends; each is up to three events.
TIES_AT_ONCE = 200

#: What a member made that can be deleted, as the timeline has it.
ItemKind: TypeAlias = Literal["post", "comment", "message", "like", "photo", "album"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)


class Item(msgspec.Struct, frozen=True):
    """Something a member made; ``about`` is the post of a like."""

    kind: ItemKind
    id: UUID
    about: UUID


class EndTies(msgspec.Struct, frozen=True):
    """A policy's command: end ties of a member who is gone."""

    member: MemberId


class DeleteItems(msgspec.Struct, frozen=True):
    """A policy's command: delete what a member who is gone had made."""

    member: MemberId
    items: tuple[Item, ...]


class DropLists(msgspec.Struct, frozen=True):
    """A policy's command: drop the named lists of a member who is gone."""

    member: MemberId


async def end_ties(command: EndTies, work: Work) -> Outcome:
    """End some of the ties, and say whether there are ``more``."""
    member, stream = command.member, circle_stream(command.member)
    circle = await work.load(CIRCLE, stream)
    if not circle.closed:
        raise Refused("not-found")
    events = part(circle, member, TIES_AT_ONCE)
    work.append(CIRCLE, stream, member, events)
    state = "more" if events else "done"
    return Outcome(member, (stream, work.version(stream)), state=state)


async def drop_lists(command: DropLists, work: Work) -> Outcome:
    """Drop all named lists; there are at most a hundred."""
    owner = await _gone(work, command.member)
    stream = lists_stream(owner, cell_of(owner))
    named = await work.load(LISTS, stream)
    for which in named.lists:
        work.append(LISTS, stream, owner, lists.delete(named, owner, which))
    return Outcome(owner, (stream, work.version(stream)))


async def delete_items(command: DeleteItems, work: Work) -> Outcome:
    """Delete what is still there of some items."""
    member = await _gone(work, command.member)
    for item in command.items:
        await _delete(work, member, item)
    return Outcome(member, (erasure_stream(member), work.version(erasure_stream(member))))


async def _gone(work: Work, member: MemberId) -> MemberId:
    """
    The member, of whom nothing is to stay.

    :raises Refused: nobody said so.
    """
    erasure = await work.load(ERASURE, erasure_stream(member))
    if not isinstance(erasure.stage, Begun):
        raise Refused("not-found")
    return member


async def _delete(work: Work, member: MemberId, item: Item) -> None:
    match item.kind:
        case "post":
            await _delete_post(work, member, PostId(item.id))
        case "comment":
            await _delete_comment(work, member, CommentId(item.id))
        case "message":
            await _delete_message(work, member, MessageId(item.id))
        case "like":
            await _withdraw_like(work, member, PostId(item.about))
        case "photo":
            await _delete_photo(work, member, PhotoId(item.id))
        case "album":
            await _delete_album(work, member, AlbumId(item.id))


async def _delete_post(work: Work, member: MemberId, post: PostId) -> None:
    stream = post_stream(post)
    state = await work.load(POST, stream)
    if events := posts.erase(state, member):
        work.append(POST, stream, member, events)
        await nothing_to_decide(work, Subject("post", post, member), "deleted")


async def _delete_comment(work: Work, member: MemberId, comment: CommentId) -> None:
    stream = comment_stream(comment)
    state = await work.load(COMMENT, stream)
    if events := comments.erase(state, member):
        work.append(COMMENT, stream, member, events)
        await nothing_to_decide(work, Subject("comment", comment, member), "deleted")


async def _delete_message(work: Work, member: MemberId, message: MessageId) -> None:
    stream = message_stream(message)
    state = await work.load(MESSAGE, stream)
    if events := messages.erase(state, member):
        work.append(MESSAGE, stream, member, events)
        await nothing_to_decide(work, Subject("message", message, member), "deleted")


async def _withdraw_like(work: Work, member: MemberId, post: PostId) -> None:
    stream = like_stream(member, post)
    state = await work.load(LIKE, stream)
    liked = await work.load(POST, post_stream(post))
    if isinstance(liked, posts.Unwritten | posts.NeverPublished):
        return
    work.append(LIKE, stream, member, likes.withdraw(state, member, post, liked.author))


async def _delete_photo(work: Work, member: MemberId, photo: PhotoId) -> None:
    stream, gallery = photo_stream(photo), gallery_stream(member, cell_of(member))
    state = await work.load(PHOTO, stream)
    if not isinstance(state, photos.Photo) or state.owner != member:
        return
    work.append(PHOTO, stream, member, photos.erase(state))
    album, stored = album_stream(state.album), state.picture.stored
    holding = await work.load(ALBUM, album)
    if isinstance(holding, albums.Album):
        await work.load(GALLERY, gallery)
        work.append(ALBUM, album, member, albums.release(holding, photo, stored))
        removed = galleries.GalleryPhotoRemoved(member, photo, stored)
        work.append(GALLERY, gallery, member, (removed,))
    await nothing_to_decide(work, Subject("photo", photo, member), "deleted")


async def _delete_album(work: Work, member: MemberId, album: AlbumId) -> None:
    stream, gallery = album_stream(album), gallery_stream(member, cell_of(member))
    state = await work.load(ALBUM, stream)
    if not isinstance(state, albums.Album) or state.owner != member:
        return
    await work.load(GALLERY, gallery)
    work.append(ALBUM, stream, member, albums.delete(state))
    closed = galleries.GalleryAlbumClosed(member, album, state.stored)
    work.append(GALLERY, gallery, member, (closed,))
    await nothing_to_decide(work, Subject("album", album, member), "deleted")
