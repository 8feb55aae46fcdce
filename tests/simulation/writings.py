"""
What members wrote, as events make it: posts, comments and likes, what waits, what was taken down,
what came back.
"""

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from adapters.vault.memory import MemoryKeyVault
from domain.audience import Audience, Listed, OnlyMe
from domain.comment import (
    CommentApproved,
    CommentDeleted,
    CommentEvent,
    CommentFlagged,
    CommentHeld,
    CommentRefused,
    CommentRejected,
    CommentRestored,
    CommentTakenBack,
    CommentUnpublished,
    CommentWritten,
)
from domain.event import Recorded
from domain.ids import MemberId
from domain.like import LikeGiven, LikeWithdrawn
from domain.poll import VoteCast
from domain.post_events import (
    PostApproved,
    PostAudienceChanged,
    PostAudienceIntended,
    PostCommentingChanged,
    PostDeleted,
    PostEditApproved,
    PostEdited,
    PostEditHeld,
    PostEditRefused,
    PostEditRejected,
    PostEvent,
    PostFlagged,
    PostHeld,
    PostPollClosed,
    PostPublished,
    PostRefused,
    PostRejected,
    PostRestored,
    PostUnpublished,
)
from tests.simulation.bonds import Bonds
from tests.simulation.legal import must
from tests.simulation.world import Asked, Deed, Piece, Remark

OF_POST = frozenset(get_args(PostEvent))
OF_COMMENT = frozenset(get_args(CommentEvent))


class Writings(Bonds):
    """What posts, comments and likes make of the world."""

    def __init__(self, vault: MemoryKeyVault) -> None:
        super().__init__(vault)
        #: By which decision people took something down, as long as it is.
        self.taken_by: dict[UUID, UUID] = {}

    # Posts

    def take_post(self, recorded: Recorded, event: Any) -> None:
        """A post is as this says."""
        match event:
            case PostPublished() | PostHeld():
                self._publish(recorded, event)
            case PostRefused(author=author, content=content):
                self.publishes(recorded, author)
                self.say(recorded, content.text)
            case PostPollClosed():
                self._close(recorded, self.pieces[recorded.stream])
            case PostEditRefused(author=author, post=post, content=content):
                self.publishes(recorded, author)
                self._own(recorded, self.pieces[post], author)
                self.say(recorded, content.text)
            case (
                PostApproved()
                | PostRejected()
                | PostEditApproved()
                | PostEditRejected()
                | PostUnpublished()
                | PostRestored()
            ):
                self._judge(recorded, event, self.pieces[recorded.stream])
            case _:
                self._change(recorded, event, self.pieces[recorded.stream])

    def _publish(self, recorded: Recorded, event: PostPublished | PostHeld) -> None:
        self.publishes(recorded, event.author)
        self.may_name(recorded, event.audience)
        original = None
        if event.share_of is not None:
            original = self.pieces[event.share_of]
            must(self.meets(event.author, original), recorded, "whoever shares a post sees it")
            must(original.original is None, recorded, "a share is of an original")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        text = self.say(recorded, event.content.text)
        piece = Piece(recorded.stream, event.author, text, event.audience, at, original)
        if event.poll is not None:
            options = tuple(self.say(recorded, option) for option in event.poll.options)
            must(event.poll.choose <= len(options), recorded, "there is as much to choose from")
            piece.poll = Asked(options, event.poll.choose, event.poll.closes_at)
        piece.commenting = event.commenting
        piece.mentions = self._names(recorded, text, event.content.mentions)
        self._hang(piece, event.content.images)
        own = all(one.published and one.album.live for one in piece.images)
        must(own, recorded, "it shows photos that are there for others")
        if isinstance(event, PostHeld):
            piece.waits, piece.version = event.how, -1
        self.pieces[piece.id] = piece
        self.deeds[piece.id] = Deed(at, "post", event.author, piece)

    def _change(self, recorded: Recorded, event: Any, piece: Piece) -> None:
        """Its author changes it."""
        self.acts(recorded, event.author)
        self._own(recorded, piece, event.author)
        match event:
            case PostFlagged():
                return
            case PostCommentingChanged(commenting=commenting):
                self.publishes(recorded, event.author)
                must(commenting != piece.commenting, recorded, "it changes something")
                piece.commenting = commenting
            case PostEditHeld(content=content, how=how):
                self.publishes(recorded, event.author)
                must(piece.published, recorded, "of what waits, edits do not wait beside it")
                piece.pending = self.say(recorded, content.text), how
                return
            case PostEdited(content=content):
                self.publishes(recorded, event.author)
                (piece.former if piece.published else piece.drafts).append(piece.text)
                piece.text = self.say(recorded, content.text)
                piece.mentions = self._names(recorded, piece.text, content.mentions)
                self._hang(piece, content.images)
                piece.pending = None
            case PostAudienceChanged(audience=audience) | PostAudienceIntended(audience=audience):
                intended = isinstance(event, PostAudienceIntended)
                must(intended is not piece.published, recorded, "what waits is for its author")
                self.may_name(recorded, audience)
                if not isinstance(audience, OnlyMe):
                    self.publishes(recorded, event.author)
                piece.to = audience
            case PostDeleted():
                piece.live, piece.waits, piece.pending, piece.taken = False, None, None, None
                self.deeds.pop(piece.id, None)
            case _:
                raise AssertionError(event)
        piece.version += 1 if piece.published else -1

    def _judge(self, recorded: Recorded, event: Any, piece: Piece) -> None:
        """People decided what becomes of it."""
        at = recorded.recorded_at, UUID(int=piece.id.int)
        match event:
            case PostApproved(audience=audience):
                held = piece.waits is not None or piece.taken == "held"
                must(held and audience == piece.to, recorded, "for whom its author meant it")
                self._bring(piece)
                # It was not there before, so it is as new as its approval.
                piece.at, piece.version = at, 0
                self.deeds[piece.id] = Deed(at, "post", piece.author, piece)
            case PostRestored(audience=audience):
                same = piece.taken == "published" and audience == piece.to
                must(same, recorded, "what was there comes back as it was")
                self._bring(piece)
            case PostRejected(decision=decision):
                must(piece.live and piece.waits is not None, recorded, "it waited")
                self._take_down(piece, "held", decision)
                return
            case PostUnpublished(decision=decision):
                must(piece.published, recorded, "it was published")
                self._take_down(piece, "published", decision)
                return
            case PostEditApproved(content=content):
                text = self.open(content.text)
                waited = piece.published and piece.pending is not None and piece.pending[0] == text
                must(waited, recorded, "this edit waited")
                piece.former.append(piece.text)
                piece.text, piece.pending = text, None
                piece.mentions = self._names(recorded, text, content.mentions)
                self._hang(piece, content.images)
            case PostEditRejected():
                must(piece.published and piece.pending is not None, recorded, "an edit waited")
                piece.pending = None
                return
            case _:
                raise AssertionError(event)
        piece.version += 1

    def _bring(self, one: Piece | Remark) -> None:
        one.live, one.waits, one.taken = True, None, None
        self.taken_by.pop(one.id, None)

    def _take_down(self, one: Piece | Remark, was: str, decision: UUID) -> None:
        one.live, one.waits, one.taken = False, None, was
        self.taken_by[one.id] = decision

    def _own(self, recorded: Recorded, piece: Piece, author: MemberId) -> None:
        there = self.goes(piece.author, piece.taken, live=piece.live)
        must(there and piece.author == author, recorded, "its author's, and there")

    def may_name(self, recorded: Recorded, audience: Audience) -> None:
        """A list is named by whose it is."""
        if isinstance(audience, Listed) and audience.named is not None:
            mine = self.lists.get(audience.named)
            owner = recorded.owner
            must(mine is not None and mine[0] == owner, recorded, "the list is the author's")

    def _hang(self, piece: Piece, images: Sequence[UUID]) -> None:
        """What a post shows: photos of its author's."""
        piece.images = tuple(self.photos[one] for one in images)
        piece.ever_shown |= dict.fromkeys(piece.images)
        assert all(one.author == piece.author for one in piece.images), "its author's"

    def _names(self, recorded: Recorded, text: str, mentions: Sequence[UUID]) -> tuple[UUID, ...]:
        """Whom a text mentions: whoever has a number that it names, its author aside."""
        numbers = [int(word[1:]) for word in text.split() if word.startswith("@")]
        found = [self.claimed[qq] for qq in numbers if qq in self.claimed]
        wanted = tuple(one for one in found if one != recorded.owner)
        must(tuple(mentions) == wanted, recorded, "it mentions whom its text names")
        return wanted

    # Votes

    def take_vote(self, recorded: Recorded, event: VoteCast) -> None:
        """A member is for some options of a poll."""
        piece, member = self.pieces[event.post], event.member
        self.acts(recorded, member)
        must(self.meets(member, piece), recorded, "whoever votes sees the post")
        poll = piece.poll
        assert poll is not None
        must(poll.votes.get(member, ()) == event.former, recorded, "each member has one vote")
        there = set(event.options) <= set(range(len(poll.options)))
        must(there and 0 < len(event.options) <= poll.choose, recorded, "of what is asked")
        must(event.options != event.former, recorded, "it changes something")
        open_ = poll.closes_at is None or recorded.recorded_at < poll.closes_at
        must(open_ and not poll.recorded, recorded, "while the poll is open")
        if not event.former:
            at = recorded.recorded_at, UUID(int=recorded.stream.int)
            self.deeds[recorded.stream] = Deed(at, "vote", member, piece)
        poll.votes[member] = event.options

    def _close(self, recorded: Recorded, piece: Piece) -> None:
        poll = piece.poll
        due = poll is not None and poll.closes_at is not None and not poll.recorded
        must(due, recorded, "a poll that closes, closes once")
        assert poll is not None
        assert poll.closes_at is not None
        must(poll.closes_at <= recorded.recorded_at, recorded, "and not before its time")
        poll.recorded = True

    # Comments

    def take_comment(self, recorded: Recorded, event: Any) -> None:
        """A comment is as this says."""
        match event:
            case CommentWritten() | CommentHeld():
                self._remark(recorded, event)
            case CommentRefused(author=author, post=post, text=text):
                self.publishes(recorded, author)
                must(self.meets(author, self.pieces[post]), recorded, "whoever comments sees it")
                self.say(recorded, text)
            case CommentFlagged():
                must(self.remarks[recorded.stream][1].published, recorded, "it stands")
            case CommentDeleted() | CommentTakenBack():
                self._unsay(recorded, event)
            case _:
                self._judge_remark(recorded, event, self.remarks[recorded.stream][1])

    def _remark(self, recorded: Recorded, event: CommentWritten | CommentHeld) -> None:
        piece = self.pieces[event.post]
        self.publishes(recorded, event.author)
        must(self.meets(event.author, piece), recorded, "whoever comments sees the post")
        must(self.may_comment(event.author, piece), recorded, "and is let comment by its author")
        if event.reply_to is not None:
            answered = piece.remarks[event.reply_to]
            seen = answered.published and self.finds(event.author, answered)
            must(seen, recorded, "whoever answers sees the comment")
            same = (event.thread, event.answered) == (answered.thread, answered.author)
            must(same, recorded, "an answer stands in the thread")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        text = self.say(recorded, event.text)
        remark = Remark(recorded.stream, event.author, text, event.thread, at)
        if isinstance(event, CommentHeld):
            remark.waits = event.how
        piece.remarks[remark.id] = remark
        self.remarks[remark.id] = piece, remark
        self.deeds[remark.id] = Deed(at, "comment", event.author, piece, remark)

    def _unsay(self, recorded: Recorded, event: CommentDeleted | CommentTakenBack) -> None:
        piece, remark = self.remarks[recorded.stream]
        self.acts(recorded, MemberId(recorded.actor))
        if isinstance(event, CommentTakenBack):
            waited = remark.live and remark.waits is not None and recorded.actor == remark.author
            must(waited, recorded, "its author takes back what waits")
        else:
            there = self.goes(remark.author, remark.taken, live=remark.published)
            must(there, recorded, "it was there")
            mine = recorded.actor in (remark.author, piece.author)
            must(mine, recorded, "its author's or the post's author's")
        remark.live, remark.waits, remark.taken = False, None, None
        self.deeds.pop(remark.id, None)

    def _judge_remark(self, recorded: Recorded, event: Any, remark: Remark) -> None:
        """People decided what becomes of it."""
        at = recorded.recorded_at, UUID(int=remark.id.int)
        match event:
            case CommentApproved(waited=waited):
                held = remark.waits is not None if waited else remark.taken == "held"
                must(held, recorded, "it waited, or had when it was rejected")
                self._bring(remark)
                remark.at = at
                piece = self.remarks[remark.id][0]
                self.deeds[remark.id] = Deed(at, "comment", remark.author, piece, remark)
            case CommentRestored():
                must(remark.taken == "published", recorded, "what was there comes back")
                self._bring(remark)
            case CommentRejected(decision=decision):
                must(remark.live and remark.waits is not None, recorded, "it waited")
                self._take_down(remark, "held", decision)
            case CommentUnpublished(decision=decision):
                must(remark.published, recorded, "it was published")
                self._take_down(remark, "published", decision)
            case _:
                raise AssertionError(event)

    # Likes

    def take_like(self, recorded: Recorded, event: LikeGiven | LikeWithdrawn) -> None:
        """A member likes a post, or does so no longer."""
        piece, member = self.pieces[event.post], event.member
        self.acts(recorded, member)
        given = isinstance(event, LikeGiven)
        must((member in piece.likes) is not given, recorded, "liked once, unliked once")
        if given:
            must(self.meets(member, piece), recorded, "whoever likes sees the post")
            piece.likes[member] = recorded.recorded_at
            self.liked.add((member, piece.id))
            at = recorded.recorded_at, UUID(int=recorded.stream.int)
            self.deeds[recorded.stream] = Deed(at, "like", member, piece)
        else:
            del piece.likes[member]
            del self.deeds[recorded.stream]
