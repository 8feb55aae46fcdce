"""
How what a member made comes to stand in a copy: each stream of theirs folded by the domain, and put
in the words of :mod:`api.exports.items`. What else members come to make is one branch more here.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from api.exports.items import (
    Made,
    MadeAlbum,
    MadeAudience,
    MadeComment,
    MadeLike,
    MadeList,
    MadeMessage,
    MadePhoto,
    MadePoll,
    MadePost,
    MadeVisit,
    MadeVote,
    State,
)
from domain import comment as comments
from domain import like as likes
from domain import message as messages
from domain import post as posts
from domain.album import Album, AnyAlbum
from domain.album_events import AlbumCreated, AlbumHeld
from domain.audience import Audience, Friends, Listed, OnlyMe, Public
from domain.catalogue import AGGREGATES_BY_TYPE
from domain.comment import CommentHeld, CommentWritten
from domain.event import Recorded
from domain.exhibit import Down, Published, Standing, Waiting
from domain.ids import ListId, MemberId
from domain.like import LikeGiven
from domain.message import MessageHeld, MessageWritten
from domain.named_list import ListDeleted, ListSaved
from domain.photo import AnyPhoto, Photo
from domain.photo_events import PhotoAdded, PhotoHeld
from domain.poll import Poll, VoteCast
from domain.post_events import PostContent, PostEdited, PostHeld, PostPublished
from domain.sealed import Sealed
from domain.visit import VisitMade, VisitMadeUnseen
from projections.moments import made_at

#: The events that begin a stream of something that a member made.
BEGINNINGS = (
    PostPublished,
    PostHeld,
    CommentWritten,
    CommentHeld,
    MessageWritten,
    MessageHeld,
    LikeGiven,
    VoteCast,
    VisitMade,
    VisitMadeUnseen,
    AlbumCreated,
    AlbumHeld,
    PhotoAdded,
    PhotoHeld,
    ListSaved,
)

Open: TypeAlias = Callable[[Sealed[str]], str | None]
QQs: TypeAlias = dict[MemberId, int]


def mentioned(history: Sequence[Recorded]) -> set[MemberId]:
    """The members whose QQ numbers are needed to tell of a stream."""
    found: set[MemberId] = set()
    for recorded in history:
        event: Any = recorded.event
        if isinstance(audience := getattr(event, "audience", None), Listed):
            found |= audience.members
        if isinstance(event, ListSaved):
            found |= event.members
        if isinstance(content := getattr(event, "content", None), PostContent):
            found.update(content.mentions)
        for field in ("post_author", "space"):
            if (member := getattr(event, field, None)) is not None:
                found.add(member)
    return found


def made(history: Sequence[Recorded], open_: Open, qqs: QQs) -> list[Made]:
    """
    What a stream holds, if its beginning is one of :data:`BEGINNINGS`; nothing where that was
    deleted, or was never published.

    :param history: all of its events.
    :param open_: opens what is sealed.
    :param qqs: of those :func:`mentioned`; whoever is missing has no account any longer.
    """
    aggregate = AGGREGATES_BY_TYPE[type(history[0].event)]
    state = aggregate.fold((one.event for one in history), aggregate.initial)
    match history[0].event:
        case PostPublished() | PostHeld():
            return _post(history, state, open_, qqs)
        case CommentWritten() | CommentHeld() as written:
            return _comment(history[0], written, state, open_, qqs)
        case MessageWritten() | MessageHeld() as written:
            return _message(history[0], written, state, open_, qqs)
        case VisitMade(space=space) | VisitMadeUnseen(space=space):
            return [MadeVisit(qqs.get(space), len(history), history[-1].recorded_at)]
        case AlbumCreated() | AlbumHeld():
            return _album(history[0], state, open_, qqs)
        case PhotoAdded() | PhotoHeld():
            return _photo(history[0], state, open_)
        case LikeGiven(post=post, post_author=author):
            return _like(history, state, post, qqs.get(author))
        case VoteCast(post=post, post_author=author):
            last = history[-1]
            return [MadeVote(post, qqs.get(author), list(state.options), last.recorded_at)]
        case ListSaved():
            return list(_lists(history, open_, qqs))
        case _:
            return []


def _post(history: Sequence[Recorded], state: posts.Post, open_: Open, qqs: QQs) -> list[Made]:
    live, stands = _standing_post(state)
    if live is None:
        return []
    first, content = history[0], live.pending or live.content
    edits = [one.recorded_at for one in history if isinstance(one.event, PostEdited)]
    return [
        MadePost(
            id=first.stream,
            type=live.kind,
            published_at=made_at(first),
            state=stands,
            audience=_audience(live.audience, qqs),
            text=open_(content.text),
            title=_opened(content.title, open_),
            mood=_opened(content.mood, open_),
            location=_opened(content.location, open_),
            share_of=live.share_of,
            images=list(content.images),
            poll=None if live.poll is None else _poll(live.poll, open_),
            mentions=[qqs[one] for one in content.mentions if one in qqs],
            commenting=live.commenting,
            edited_at=edits[-1] if edits else None,
        )
    ]


def _poll(poll: Poll, open_: Open) -> MadePoll:
    return MadePoll([open_(option) for option in poll.options], poll.choose, poll.closes_at)


def _standing_post(state: posts.Post) -> tuple[posts.Live | None, State]:
    match state:
        case posts.Live():
            return state, "published"
        case posts.Held(post=live, how=how):
            return live, _waiting(how)
        case posts.TakenDown(post=live):
            return live, "taken_down"
        case _:
            return None, "published"


def _waiting(how: str) -> State:
    return "private_view" if how == "private_view" else "held"


def _comment(
    first: Recorded,
    written: CommentWritten | CommentHeld,
    state: comments.Comment,
    open_: Open,
    qqs: QQs,
) -> list[Made]:
    stands = _standing(state)
    if stands is None:
        return []
    return [
        MadeComment(
            id=first.stream,
            post=written.post,
            post_by=qqs.get(written.post_author),
            written_at=first.recorded_at,
            state=stands,
            text=open_(written.text),
            reply_to=written.reply_to,
        )
    ]


def _standing(state: comments.Comment | messages.Message) -> State | None:
    """How a comment or a message stands; None where it is gone, or never stood."""
    match state:
        case comments.Live() | messages.Live():
            return "published"
        case comments.Held(how=how) | messages.Held(how=how):
            return _waiting(how)
        case comments.TakenDown() | messages.TakenDown():
            return "taken_down"
        case _:
            return None


def _shown(standing: Standing) -> State:
    match standing:
        case Published():
            return "published"
        case Waiting(how=how):
            return _waiting(how)
        case Down():
            return "taken_down"


def _album(first: Recorded, state: AnyAlbum, open_: Open, qqs: QQs) -> list[Made]:
    if not isinstance(state, Album):
        return []
    arrangement = state.arrangement
    return [
        MadeAlbum(
            id=first.stream,
            title=open_(state.pending or state.title),
            created_at=made_at(first),
            state=_shown(state.standing),
            audience=_audience(state.audience, qqs),
            layout=arrangement.layout,
            sort=arrangement.sort,
            slideshow=arrangement.slideshow,
            cover=arrangement.cover,
        )
    ]


def _photo(first: Recorded, state: AnyPhoto, open_: Open) -> list[Made]:
    if not isinstance(state, Photo):
        return []
    words, picture = state.pending or state.words, state.picture
    return [
        MadePhoto(
            id=first.stream,
            album=state.album,
            file=f"photos/{first.stream}.{picture.original.format}",
            added_at=made_at(first),
            state=_shown(state.standing),
            place=state.place,
            caption=_opened(words.caption, open_),
            alt=_opened(words.alt, open_),
            taken_at=picture.taken_at,
            location=_opened(picture.location, open_),
        )
    ]


def _message(
    first: Recorded,
    written: MessageWritten | MessageHeld,
    state: messages.Message,
    open_: Open,
    qqs: QQs,
) -> list[Made]:
    stands = _standing(state)
    if stands is None:
        return []
    return [
        MadeMessage(
            id=first.stream,
            board_of=qqs.get(written.space),
            written_at=first.recorded_at,
            state=stands,
            text=open_(written.text),
            reply_to=written.reply_to,
        )
    ]


def _like(history: Sequence[Recorded], state: likes.Like, post: UUID, by: int | None) -> list[Made]:
    return [MadeLike(post, by, history[state.since - 1].recorded_at)] if state.given else []


def _lists(history: Sequence[Recorded], open_: Open, qqs: QQs) -> list[MadeList]:
    latest: dict[ListId, MadeList] = {}
    for recorded in history:
        match recorded.event:
            case ListSaved(list=id, name=name, members=members):
                numbers = sorted(qqs[one] for one in members if one in qqs)
                latest[id] = MadeList(id, open_(name), numbers, recorded.recorded_at)
            case ListDeleted(list=id):
                latest.pop(id, None)
            case _:
                pass
    return list(latest.values())


def _audience(audience: Audience, qqs: QQs) -> MadeAudience:
    match audience:
        case Public():
            return MadeAudience("public")
        case Friends():
            return MadeAudience("friends")
        case OnlyMe():
            return MadeAudience("only_me")
        case Listed(members=members, named=named):
            return MadeAudience("list", sorted(qqs[one] for one in members if one in qqs), named)


def _opened(sealed: Sealed[str] | None, open_: Open) -> str | None:
    return None if sealed is None else open_(sealed)
