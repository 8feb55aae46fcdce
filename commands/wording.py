"""
What a post says, on its way from a caller's words to what is stored: screened whole, and sealed.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from commands.work import Work
from domain.ids import MemberId, PhotoId, PostId
from domain.poll import Poll
from domain.post_events import PostContent
from domain.sealed import KeyClass, Sealed

#: The words of a post by field: what screening is asked about, and its hits name.
Words: TypeAlias = Mapping[str, str | None]

_Changed: TypeAlias = str | msgspec.UnsetType | None


def options_of(options: list[str]) -> Words:
    """The words of a poll's options."""
    return {f"poll/options/{number}": option for number, option in enumerate(options)}


def opened_options(work: Work, poll: Poll | None) -> Words:
    """The same of a poll that was asked; an option without its key says nothing."""
    options = () if poll is None else poll.options
    return options_of([work.vault.open(option) or "" for option in options])


async def content_of(
    work: Work,
    author: MemberId,
    post: PostId,
    words: Words,
    images: tuple[PhotoId, ...],
    mentions: tuple[MemberId, ...],
) -> PostContent:
    """The words, sealed."""
    return PostContent(
        text=await work.vault.seal(author, KeyClass.CONTENT, words["text"] or "", post),
        title=await _seal(work, author, post, words["title"]),
        mood=await _seal(work, author, post, words["mood"]),
        location=await _seal(work, author, post, words["location"]),
        images=images,
        mentions=mentions,
    )


def changed_words(work: Work, current: PostContent, changes: Mapping[str, _Changed]) -> Words:
    """What the fields say after a change; those that are unset say what they said."""
    return {
        field: _opened(work, getattr(current, field)) if to is msgspec.UNSET else to
        for field, to in changes.items()
    }


async def changed_content(
    work: Work,
    author: MemberId,
    post: PostId,
    current: PostContent,
    changes: Mapping[str, _Changed],
    images: tuple[PhotoId, ...],
    mentions: tuple[MemberId, ...],
) -> PostContent:
    """The content after a change; what did not change keeps its seal."""
    text = await _resealed(work, author, post, current.text, changes["text"])
    return PostContent(
        text=text or current.text,
        title=await _resealed(work, author, post, current.title, changes["title"]),
        mood=await _resealed(work, author, post, current.mood, changes["mood"]),
        location=await _resealed(work, author, post, current.location, changes["location"]),
        images=images,
        mentions=mentions,
    )


def _opened(work: Work, current: Sealed[str] | None) -> str | None:
    return None if current is None else work.vault.open(current)


async def _resealed(
    work: Work, author: MemberId, post: PostId, current: Sealed[str] | None, to: _Changed
) -> Sealed[str] | None:
    return current if to is msgspec.UNSET else await _seal(work, author, post, to)


async def _seal(work: Work, author: MemberId, post: PostId, text: str | None) -> Sealed[str] | None:
    return None if text is None else await work.vault.seal(author, KeyClass.CONTENT, text, post)
