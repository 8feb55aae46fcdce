"""
What a case can be about, as commands find it: named by a member or by staff, and judged.
"""

from typing import Any, TypeAlias, assert_never
from uuid import UUID

import msgspec

from commands.directory import Directory
from commands.exhibits import visible_album, visible_photo
from commands.messages import visible_board
from commands.relations import check_id, relation, visible_post
from commands.types import QQ
from commands.work import Work
from domain import message as messages
from domain import post as posts
from domain import verdicts
from domain.account import ACCOUNT, Account, Nobody, account_stream
from domain.album import ALBUM, Album, AnyAlbum, NoAlbum, album_stream
from domain.audience import Public
from domain.case_events import Subject
from domain.comment import COMMENT, Comment, comment_stream
from domain.comment import Held as HeldComment
from domain.comment import Live as LiveComment
from domain.comment import TakenDown as CommentTakenDown
from domain.comment import Unwritten as NoComment
from domain.event import Aggregate, Event, Refused
from domain.ids import (
    AlbumId,
    CaseId,
    CommentId,
    DecisionId,
    MemberId,
    MessageId,
    PhotoId,
    PostId,
    StreamId,
)
from domain.message import MESSAGE, Message, message_stream
from domain.message_verdicts import of_message
from domain.photo import PHOTO, AnyPhoto, NoPhoto, Photo, photo_stream
from domain.post import POST, Post, post_stream
from domain.post import Unwritten as NoPost
from domain.verdicts import Verdict


class PostSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="post"
):
    """A post."""

    id: UUID


class CommentSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="comment"
):
    """A comment."""

    id: UUID


class MessageSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="message"
):
    """A message on a board."""

    id: UUID


class NicknameSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="nickname"
):
    """What a member is called."""

    qq: QQ


class MemberSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="member"
):
    """How a member behaves."""

    qq: QQ


class AlbumSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="album"
):
    """An album: what it is called."""

    id: UUID


class PhotoSubject(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="photo"
):
    """A photo and its words."""

    id: UUID


SubjectChoice: TypeAlias = (
    PostSubject
    | CommentSubject
    | MessageSubject
    | NicknameSubject
    | MemberSubject
    | AlbumSubject
    | PhotoSubject
)


class Subjects:
    """Finds what is named, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def named(self, work: Work, choice: SubjectChoice) -> Subject:
        """What staff names, whatever has become of it."""
        match choice:
            case PostSubject(id=id):
                check_id(work, PostId(id), field="/subject/id")
                post: Post = await work.load(POST, post_stream(PostId(id)))
                if isinstance(post, NoPost):
                    raise Refused("not-found", field="/subject/id")
                return Subject("post", id, post.author)
            case CommentSubject(id=id):
                return Subject("comment", id, _author(await self._comment(work, id)))
            case MessageSubject(id=id):
                return Subject("message", id, _writer(await self._message(work, id)))
            case NicknameSubject(qq=qq):
                member = await self._directory.member(qq)
                return Subject("nickname", member, member)
            case MemberSubject(qq=qq):
                member = await self._directory.member(qq)
                return Subject("member", member, member)
            case AlbumSubject(id=id):
                check_id(work, AlbumId(id), field="/subject/id")
                album: AnyAlbum = await work.load(ALBUM, album_stream(AlbumId(id)))
                if isinstance(album, NoAlbum):
                    raise Refused("not-found", field="/subject/id")
                return Subject("album", id, album.owner)
            case PhotoSubject(id=id):
                check_id(work, PhotoId(id), field="/subject/id")
                photo: AnyPhoto = await work.load(PHOTO, photo_stream(PhotoId(id)))
                if isinstance(photo, NoPhoto):
                    raise Refused("not-found", field="/subject/id")
                return Subject("photo", id, photo.owner)
            case _:
                assert_never(choice)

    async def seen(self, work: Work, viewer: MemberId, choice: SubjectChoice) -> Subject:
        """
        What a member names and can see; one's own is always found.

        :raises Refused: there is none, or it is not for the viewer: the two look alike.
        """
        subject = await self.named(work, choice)
        if subject.owner == viewer:
            return subject
        match subject.kind:
            case "post":
                await visible_post(work, viewer, PostId(subject.id), field="/subject/id")
            case "comment":
                comment = await self._comment(work, subject.id)
                if not isinstance(comment, LiveComment):
                    raise Refused("not-found", field="/subject/id")
                await visible_post(work, viewer, comment.post, field="/subject/id")
                await self._not_blocked(work, viewer, subject.owner)
            case "message":
                message = await self._message(work, subject.id)
                if not isinstance(message, messages.Live):
                    raise Refused("not-found", field="/subject/id")
                await visible_board(work, viewer, message.space, "/subject/id")
                await self._not_blocked(work, viewer, subject.owner)
            case "nickname" | "member":
                account: Account = await work.load(ACCOUNT, account_stream(subject.owner))
                if isinstance(account, Nobody):
                    raise Refused("not-found", field="/subject/qq")
                await self._not_blocked(work, viewer, subject.owner)
            case "album":
                await visible_album(work, viewer, AlbumId(subject.id), "/subject/id")
            case "photo":
                await visible_photo(work, viewer, PhotoId(subject.id), "/subject/id")
            case _:
                assert_never(subject.kind)
        return subject

    async def _comment(self, work: Work, id: UUID) -> Comment:
        stream = comment_stream(CommentId(id))
        check_id(work, stream, field="/subject/id")
        comment: Comment = await work.load(COMMENT, stream)
        if isinstance(comment, NoComment):
            raise Refused("not-found", field="/subject/id")
        return comment

    async def _message(self, work: Work, id: UUID) -> Message:
        stream = message_stream(MessageId(id))
        check_id(work, stream, field="/subject/id")
        message: Message = await work.load(MESSAGE, stream)
        if isinstance(message, messages.Unwritten):
            raise Refused("not-found", field="/subject/id")
        return message

    @staticmethod
    async def _not_blocked(work: Work, viewer: MemberId, member: MemberId) -> None:
        if (await relation(work, viewer, member, Public())).blocked:
            raise Refused("not-found", field="/subject")


def _author(comment: Comment) -> MemberId:
    match comment:
        case HeldComment(comment=live) | CommentTakenDown(comment=live):
            return live.author
        case NoComment():
            raise AssertionError("there is no such comment")
        case _:
            return comment.author


def _writer(message: Message) -> MemberId:
    match message:
        case messages.Held(message=live) | messages.TakenDown(message=live):
            return live.author
        case messages.Unwritten():
            raise AssertionError("there is no such message")
        case _:
            return message.author


async def judge(
    work: Work, subject: Subject, verdict: Verdict, case: CaseId, decision: DecisionId
) -> tuple[Event, ...]:
    """What a verdict makes of a subject."""
    match subject.kind:
        case "post":
            post: Post = await work.load(POST, post_stream(PostId(subject.id)))
            return verdicts.of_post(post, verdict, case, decision)
        case "comment":
            comment: Comment = await work.load(COMMENT, comment_stream(CommentId(subject.id)))
            return verdicts.of_comment(comment, verdict, case, decision)
        case "message":
            message: Message = await work.load(MESSAGE, message_stream(MessageId(subject.id)))
            return of_message(message, verdict, case, decision)
        case "nickname":
            account: Account = await work.load(ACCOUNT, account_stream(subject.owner))
            return verdicts.of_nickname(account, verdict, case, decision)
        case "member":
            return verdicts.of_member(verdict)
        case "album":
            album: AnyAlbum = await work.load(ALBUM, album_stream(AlbumId(subject.id)))
            return verdicts.of_album(album, verdict, case, decision)
        case "photo":
            photo: AnyPhoto = await work.load(PHOTO, photo_stream(PhotoId(subject.id)))
            return verdicts.of_photo(photo, verdict, case, decision)
        case _:
            assert_never(subject.kind)


async def said_at(work: Work, subject: Subject) -> int:
    """
    The version of a subject's stream in which its owner last said what is to be decided of. A
    comment or a message never changes, and how a member behaves is not said in one place.
    """
    match subject.kind:
        case "post":
            return posts.said_at(await work.load(POST, post_stream(PostId(subject.id))))
        case "nickname":
            account: Account = await work.load(ACCOUNT, account_stream(subject.owner))
            return 0 if isinstance(account, Nobody) else account.names.said
        case "album":
            album: AnyAlbum = await work.load(ALBUM, album_stream(AlbumId(subject.id)))
            return album.said if isinstance(album, Album) else 0
        case "photo":
            photo: AnyPhoto = await work.load(PHOTO, photo_stream(PhotoId(subject.id)))
            return photo.said if isinstance(photo, Photo) else 0
        case "comment" | "message" | "member":
            return 0
        case _:
            assert_never(subject.kind)


async def version_of(work: Work, subject: Subject) -> int:
    """The version of a subject's stream."""
    aggregate, stream = stream_of(subject)
    await work.load(aggregate, stream)
    return work.version(stream)


def stream_of(subject: Subject) -> tuple[Aggregate[Any], StreamId]:
    """The stream on which a subject's fate is written: for a nickname, its member's account."""
    match subject.kind:
        case "post":
            return POST, post_stream(PostId(subject.id))
        case "comment":
            return COMMENT, comment_stream(CommentId(subject.id))
        case "message":
            return MESSAGE, message_stream(MessageId(subject.id))
        case "nickname" | "member":
            return ACCOUNT, account_stream(subject.owner)
        case "album":
            return ALBUM, album_stream(AlbumId(subject.id))
        case "photo":
            return PHOTO, photo_stream(PhotoId(subject.id))
        case _:
            assert_never(subject.kind)
