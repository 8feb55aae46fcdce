"""
What members wanted to say, as the log has it: every text that was screened or would have been, and
what became of it.

A text here is all that is screened together: a post with its title, mood, location and what it
asks, an edit, a comment, an album's title, what is said of a photo, a nickname. What people decide
later publishes no new text, so their events are none.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from commands.banned_pictures import FIELD as PICTURE
from domain.account_events import (
    AccountOpened,
    NicknameChanged,
    NicknameFlagged,
    NicknameHeld,
    NicknameRefused,
)
from domain.album_events import (
    AlbumCreated,
    AlbumFlagged,
    AlbumHeld,
    AlbumRefused,
    AlbumRetitled,
    AlbumTitleHeld,
)
from domain.comment import CommentFlagged, CommentHeld, CommentRefused, CommentWritten
from domain.event import Event, Recorded
from domain.message import MessageFlagged, MessageHeld, MessageRefused, MessageWritten
from domain.photo_events import (
    PhotoAdded,
    PhotoFlagged,
    PhotoHeld,
    PhotoRefused,
    PhotoReworded,
    PhotoWords,
    PhotoWordsHeld,
)
from domain.post_events import (
    PostContent,
    PostEdited,
    PostEditHeld,
    PostEditRefused,
    PostFlagged,
    PostHeld,
    PostPublished,
    PostRefused,
)
from domain.screening import Hit, Outcome, Screening, outcome_of
from domain.sealed import Sealed

Kind: TypeAlias = Literal["post", "edit", "comment", "message", "album", "photo", "nickname"]
Fields: TypeAlias = tuple[tuple[str, Sealed[str]], ...]

_HELD: Final = (
    PostHeld, PostEditHeld, CommentHeld, MessageHeld, AlbumHeld, AlbumTitleHeld, PhotoHeld,
    PhotoWordsHeld, NicknameHeld,
)  # fmt: skip
_REFUSED: Final = (
    PostRefused, PostEditRefused, CommentRefused, MessageRefused, AlbumRefused, PhotoRefused,
    NicknameRefused,
)  # fmt: skip
_FLAGGED: Final = (
    PostFlagged, CommentFlagged, MessageFlagged, AlbumFlagged, PhotoFlagged, NicknameFlagged,
)  # fmt: skip


class Text(msgspec.Struct, frozen=True, gc=False):
    """
    One text.

    :param id: of the post, the comment, the message, the album, the photo, or the member whose
        nickname it is.
    :param fields: what it says, by field; as sealed as the log has it.
    :param then: what became of it.
    :param hits: what the rules in force found in it then, of all sets.
    """

    recorded: Recorded
    kind: Kind
    id: UUID
    fields: Fields
    then: Outcome = "published"
    hits: tuple[Hit, ...] = ()


def fields_of(content: PostContent) -> Fields:
    """What a post says, by field."""
    if content.title is None and content.mood is None and content.location is None:
        return (("text", content.text),)
    every = (
        ("text", content.text),
        ("title", content.title),
        ("mood", content.mood),
        ("location", content.location),
    )
    return tuple((field, sealed) for field, sealed in every if sealed is not None)


def words_of(words: PhotoWords) -> Fields:
    """What is said of a photo, by field."""
    every = (("caption", words.caption), ("alt", words.alt))
    return tuple((field, sealed) for field, sealed in every if sealed is not None)


def _published(event: PostPublished | PostHeld | PostRefused) -> "_Says":
    """A post says what its poll asks as well; an edit leaves that as it was."""
    options = () if event.poll is None else event.poll.options
    asks = ((f"poll/options/{number}", option) for number, option in enumerate(options))
    return ("post", None, (*fields_of(event.content), *asks))


_Says: TypeAlias = tuple[Kind, UUID | None, Fields]

#: What an event says, and of what: None where the stream bears the thing's own id.
_SAYS: Final[dict[type[Event], Callable[[Any], _Says]]] = {
    PostPublished: _published,
    PostHeld: _published,
    PostRefused: _published,
    PostEdited: lambda event: ("edit", None, fields_of(event.content)),
    PostEditHeld: lambda event: ("edit", None, fields_of(event.content)),
    PostEditRefused: lambda event: ("edit", event.post, fields_of(event.content)),
    CommentWritten: lambda event: ("comment", None, (("text", event.text),)),
    CommentHeld: lambda event: ("comment", None, (("text", event.text),)),
    CommentRefused: lambda event: ("comment", None, (("text", event.text),)),
    MessageWritten: lambda event: ("message", None, (("text", event.text),)),
    MessageHeld: lambda event: ("message", None, (("text", event.text),)),
    MessageRefused: lambda event: ("message", None, (("text", event.text),)),
    AlbumCreated: lambda event: ("album", None, (("title", event.title),)),
    AlbumHeld: lambda event: ("album", None, (("title", event.title),)),
    AlbumRefused: lambda event: ("album", event.album, (("title", event.title),)),
    AlbumRetitled: lambda event: ("album", None, (("title", event.title),)),
    AlbumTitleHeld: lambda event: ("album", None, (("title", event.title),)),
    PhotoAdded: lambda event: ("photo", None, words_of(event.words)),
    PhotoHeld: lambda event: ("photo", None, words_of(event.words)),
    PhotoRefused: lambda event: ("photo", event.photo, words_of(event.words)),
    PhotoReworded: lambda event: ("photo", None, words_of(event.words)),
    PhotoWordsHeld: lambda event: ("photo", None, words_of(event.words)),
    AccountOpened: lambda event: (
        "nickname",
        event.member,
        (("nickname", event.identity.nickname),),
    ),
    NicknameChanged: lambda event: ("nickname", event.member, (("nickname", event.nickname),)),
    NicknameHeld: lambda event: ("nickname", event.member, (("nickname", event.nickname),)),
    NicknameRefused: lambda event: ("nickname", event.member, (("nickname", event.nickname),)),
}

#: The events in which texts are found.
TYPES: Final[tuple[type[Event], ...]] = (*_SAYS, *_FLAGGED)


def text_of(recorded: Recorded) -> Text | None:
    """
    The text that an event is about; None when it is about none. That a published one was flagged
    is said by the event after it. Where a picture itself was found, what became of it says nothing
    of its words.
    """
    event = recorded.event
    says = _SAYS.get(type(event))
    if says is None:
        return None
    kind, thing, fields = says(event)
    if not fields or (kind == "photo" and _by_picture(event)):
        return None
    id_ = recorded.stream if thing is None else thing
    if isinstance(event, _HELD):
        return Text(recorded, kind, id_, fields, event.how, event.screening.hits)
    if isinstance(event, _REFUSED):
        return Text(recorded, kind, id_, fields, "refused", event.screening.hits)
    return Text(recorded, kind, id_, fields)


def texts(events: Iterable[Recorded]) -> Iterator[Text | Recorded]:
    """
    The texts in some events of a cell or a stream, in order; and the events that are about none, as
    they are, but for flags.
    """
    waiting: Text | None = None
    for recorded in events:
        event = recorded.event
        if isinstance(event, _FLAGGED):
            if waiting is not None and _follows(recorded, waiting.recorded):
                waiting = _flagged(waiting, event.screening)
            continue
        if waiting is not None:
            yield waiting
        waiting = text_of(recorded)
        if waiting is None:
            yield recorded
    if waiting is not None:
        yield waiting


def _by_picture(event: Any) -> bool:
    screening = getattr(event, "screening", None)
    return screening is not None and any(hit.field == PICTURE for hit in screening.hits)


def _follows(flag: Recorded, said: Recorded) -> bool:
    return flag.stream == said.stream and flag.version == said.version + 1


def _flagged(text: Text, screening: Screening) -> Text:
    # A post that waits goes on waiting whatever is made of it: graver hits of an edit are kept as
    # a flag, and what counts here is what the rules said.
    said = outcome_of(screening.hits)
    then: Outcome = "flagged" if said == "published" else said
    return msgspec.structs.replace(text, then=then, hits=screening.hits)
