"""
What people decided, and on which text: the one that their subject had at the version they saw.
"""

from collections.abc import Sequence
from typing import Final

from domain import account as accounts
from domain import post as posts
from domain.account import ACCOUNT
from domain.album import ALBUM, Album, AnyAlbum
from domain.case_events import CaseDecided
from domain.event import Recorded
from domain.photo import PHOTO, AnyPhoto, Photo
from domain.post import POST
from domain.post_events import PostContent
from domain.screening import Outcome
from domain.sealed import Sealed
from domain.verdicts import Verdict
from replay.backtest.texts import Fields, Text, fields_of, texts, words_of

#: What others do not get to see.
KEPT_BACK: Final[frozenset[Outcome]] = frozenset({"refused", "held", "private_view"})


def contradicts(verdict: Verdict, alone: Outcome, would: Outcome) -> bool:
    """
    Whether a set does not agree with people.

    It does not where they let something stand that it would have kept back, and where they took
    something away that nobody would have looked at.

    :param alone: the outcome by the set's own hits, so that no other set's are held against it.
    :param would: the outcome by the hits of all sets, so that what another one finds is seen to.
    """
    match verdict:
        case "approve" | "no_action" | "restore":
            return alone in KEPT_BACK
        case "reject" | "unpublish":
            return would == "published"


def decided_text(decided: CaseDecided, history: Sequence[Recorded]) -> Text | None:
    """
    The text that was decided on; None when there is none any longer.

    :param history: of the subject's stream, up to the version that was decided on.
    """
    every = [one for one in texts(history) if isinstance(one, Text)]
    match decided.subject.kind:
        case "post":
            content = _content(decided.decision.verdict, history)
            return _last(every, None if content is None else fields_of(content))
        case "comment" | "message":
            return every[-1] if every else None
        case "nickname":
            nickname = _nickname(decided.decision.verdict, history)
            return _last(every, None if nickname is None else (("nickname", nickname),))
        case "album":
            title = _title(decided.decision.verdict, history)
            return _last(every, None if title is None else (("title", title),))
        case "photo":
            return _last(every, _words(decided.decision.verdict, history))
        case "member":
            return None


def _last(every: Sequence[Text], fields: Fields | None) -> Text | None:
    """The last text that says this, be it with what a poll asks: no two are sealed alike."""
    if fields is None:
        return None
    return next((text for text in reversed(every) if set(fields) <= set(text.fields)), None)


def _content(verdict: Verdict, history: Sequence[Recorded]) -> PostContent | None:
    post = POST.fold((one.event for one in history), POST.initial)
    match post:
        case posts.Live(pending=PostContent() as pending) if verdict in {"approve", "reject"}:
            return pending
        case posts.Live():
            return post.content
        case posts.Held(post=live) | posts.TakenDown(post=live):
            return live.content
        case _:
            return None


def _title(verdict: Verdict, history: Sequence[Recorded]) -> Sealed[str] | None:
    album: AnyAlbum = ALBUM.fold((one.event for one in history), ALBUM.initial)
    if not isinstance(album, Album):
        return None
    waits = album.pending is not None and verdict in {"approve", "reject"}
    return album.pending if waits else album.title


def _words(verdict: Verdict, history: Sequence[Recorded]) -> Fields | None:
    photo: AnyPhoto = PHOTO.fold((one.event for one in history), PHOTO.initial)
    if not isinstance(photo, Photo):
        return None
    waiting = photo.pending if verdict in {"approve", "reject"} else None
    return words_of(photo.words if waiting is None else waiting) or None


def _nickname(verdict: Verdict, history: Sequence[Recorded]) -> Sealed[str] | None:
    account = ACCOUNT.fold((one.event for one in history), ACCOUNT.initial)
    if isinstance(account, accounts.Nobody):
        return None
    names = account.names
    if names.pending is not None and verdict in {"approve", "reject"}:
        return names.pending
    return names.shown if names.withdrawn is None else names.withdrawn
