"""
Every command: what it does, why it is refused, and what it answers when it was so already.
"""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from commands import comments, disclosures, spaces
from commands.accounts import (
    ChangeProfile,
    OpenAccount,
    RegisterAccount,
    ReinstateAccount,
    SuspendAccount,
)
from commands.circles import ChangeTie, HearFriend, change_tie, hear_friend
from commands.comments import WriteComment
from commands.disclosures import RecordDisclosure
from commands.executor import Answer
from commands.lists import SaveList
from commands.policies import Policy
from commands.posts import EditPost, PublishDiary, PublishShare, PublishShuoshuo
from commands.spaces import CertifySpace
from commands.types import ToFriends, ToList, ToOnlyMe, ToPublic
from commands.work import RETENTION
from domain.account import account_stream
from domain.account_events import (
    AccountOpened,
    AccountReinstated,
    AccountSuspended,
    NicknameChanged,
    NumberClaimed,
)
from domain.audience import Friends, Listed
from domain.circle import FriendAsked, FriendRequestReceived
from domain.comment import CommentDeleted, CommentWritten, comment_stream
from domain.disclosure import SealedDataRead
from domain.ids import CommentId, ListId, MemberId, PostId, StreamId, cell_of, mint
from domain.named_list import ListDeleted, ListSaved
from domain.post import SHUOSHUO_LENGTH_MAX
from domain.post_events import PostAudienceChanged, PostDeleted, PostEdited, PostPublished
from domain.retention import ContentRetained
from domain.space import CertificationWithdrawn, SpaceCertified
from tests.commands.house import NOON, STAFF, House, live, on, to

SAY = PublishShuoshuo("好", ToPublic())
NOWHERE = PostId(mint(0, 4_000, 1))
FOREIGN = PostId(uuid4())


class Street:
    """Anna and Bela are friends; Carl knows neither."""

    def __init__(self) -> None:
        self.house = House()

    async def move_in(self) -> None:
        self.anna = await self.house.join(10001)
        self.bela = await self.house.join(10002)
        self.carl = await self.house.join(10003)
        await self.house.befriend(self.anna, self.bela)


def in_street(history: Callable[[Street], Awaitable[None]]) -> Callable[[], None]:
    """A test in the street."""

    async def whole() -> None:
        street = Street()
        await street.move_in()
        await history(street)

    def test() -> None:
        live(whole)

    test.__name__, test.__doc__ = history.__name__, history.__doc__
    return test


def same_place(first: Answer, again: Answer) -> None:
    """A no-op answers the position of the event that made it so."""
    assert first.written
    assert not again.written
    assert again.at == first.at


# Accounts


@in_street
async def test_registering_claims_the_number_and_a_policy_opens_the_account(street: Street) -> None:
    house = street.house
    dora = await house.join(10004)
    assert await house.directory.find(10004) == dora
    claimed, opened = [one for one in house.committed if one.owner == dora]
    assert isinstance(claimed.event, NumberClaimed)
    assert isinstance(opened.event, AccountOpened)
    assert (claimed.cell, opened.cell) == (0, cell_of(dora))
    assert opened.causation == claimed.command


@in_street
async def test_a_number_is_registered_once(street: Street) -> None:
    again = RegisterAccount(10001, "又", "王", date(2001, 2, 3))
    register = street.house.accounts.register
    assert await street.house.refusal(register, again, STAFF) == ("qq-taken", "/qq")


@in_street
async def test_nobody_was_born_before_1900_or_tomorrow(street: Street) -> None:
    house = street.house
    for born in (date(1899, 12, 31), NOON.date() + timedelta(days=1)):
        registering = RegisterAccount(10004, "早", "王", born)
        refused = await house.refusal(house.accounts.register, registering, STAFF)
        assert refused == ("birth-date", "/birth_date")
    await house.run(house.accounts.register, RegisterAccount(10004, "今", "王", NOON.date()), STAFF)


@in_street
async def test_a_number_is_nowhere_in_plain(street: Street) -> None:
    rows = [row for cell in street.house.store.rows.values() for row in cell]
    assert not any(b"10001" in row.data or "王".encode() in row.data for row in rows)


@in_street
async def test_an_account_is_opened_once(street: Street) -> None:
    house, anna = street.house, street.anna
    opened = house.log.reader.read_stream(account_stream(anna))[0]
    assert isinstance(opened.event, AccountOpened)
    again = await house.run(house.accounts.open, OpenAccount(anna, opened.event.identity), anna)
    assert (again.at, again.written) == (opened.at, ())


@in_street
async def test_a_member_changes_their_nickname(street: Street) -> None:
    house, anna = street.house, street.anna
    await house.run(house.accounts.change_profile, ChangeProfile("安安"), anna)
    event = house.last(anna)
    assert isinstance(event, NicknameChanged)
    assert house.vault.open(event.nickname) == "安安"
    nobody = MemberId(mint(0, 1, 1))
    refused = await house.refusal(house.accounts.change_profile, ChangeProfile("无"), nobody)
    assert refused == ("not-found", None)


@in_street
async def test_a_suspension_stops_the_member_at_its_commit(street: Street) -> None:
    house, anna = street.house, street.anna
    suspend = to(house.accounts.suspend, anna)
    first = await house.run(suspend, SuspendAccount("spam"), STAFF)
    event = house.last(STAFF)
    assert isinstance(event, AccountSuspended)
    assert house.vault.open(event.reason) == "spam"
    same_place(first, await house.run(suspend, SuspendAccount("more spam"), STAFF))
    assert await house.refusal(house.posts.publish, SAY, anna) == ("suspended", None)
    reinstate = ReinstateAccount(anna)
    ended = await house.run(house.accounts.reinstate, reinstate, STAFF)
    same_place(ended, await house.run(house.accounts.reinstate, reinstate, STAFF))
    await house.publish(anna)


@in_street
async def test_a_suspension_ends_in_the_future(street: Street) -> None:
    house = street.house
    suspend = to(house.accounts.suspend, street.anna)
    refused = await house.refusal(suspend, SuspendAccount("spam", NOON), STAFF)
    assert refused == ("in-the-past", "/until")
    await house.run(suspend, SuspendAccount("spam", NOON + timedelta(seconds=1)), STAFF)


@in_street
async def test_nobody_cannot_be_suspended_or_reinstated(street: Street) -> None:
    house, nobody = street.house, MemberId(mint(0, 1, 1))
    suspend = to(house.accounts.suspend, nobody)
    assert await house.refusal(suspend, SuspendAccount("spam"), STAFF) == ("not-found", None)
    refused = await house.refusal(house.accounts.reinstate, ReinstateAccount(nobody), STAFF)
    assert refused == ("not-found", None)


@in_street
async def test_a_timer_ends_its_suspension_as_of_the_moment_it_was_due(street: Street) -> None:
    house, anna = street.house, street.anna
    due = NOON + timedelta(hours=1)
    await house.run(to(house.accounts.suspend, anna), SuspendAccount("spam", due), STAFF)
    suspended = house.last(STAFF)
    assert isinstance(suspended, AccountSuspended)
    house.clock.advance(timedelta(hours=30))
    for _ in range(2):
        await house.timers.fire("suspension-ends", suspended.suspension, anna, due)
    reinstated = [one.event for one in house.events() if isinstance(one.event, AccountReinstated)]
    assert reinstated == [AccountReinstated(anna, suspended.suspension, due)]
    # A second server fires the same deadline; and a later suspension is not its business.
    await house.run(to(house.accounts.suspend, anna), SuspendAccount("again"), STAFF)
    other = house.beside()
    await other.timers.fire("suspension-ends", suspended.suspension, anna, due)
    await house.timers.fire(
        "suspension-ends", suspended.suspension, anna, due + timedelta(seconds=1)
    )
    assert await other.refusal(other.posts.publish, SAY, anna) == ("suspended", None)


# Circles


@in_street
async def test_friends_are_made_in_both_cells(street: Street) -> None:
    house, anna, carl = street.house, street.anna, street.carl
    asked = await house.tie(anna, carl, "befriend")
    assert (asked.state, asked.cell) == ("outgoing", cell_of(anna))
    same_place(asked, await house.tie(anna, carl, "befriend"))
    accepted = await house.tie(carl, anna, "befriend")
    assert (accepted.state, accepted.cell) == ("friends", cell_of(carl))
    same_place(accepted, await house.tie(carl, anna, "befriend"))
    # Anna's half has not heard yet; they are friends all the same, by Carl's word.
    told = await house.tie(anna, carl, "befriend")
    assert (told.state, told.at) == ("friends", accepted.at)
    await house.settle()
    assert (await house.tie(anna, carl, "befriend")).state == "friends"


@in_street
async def test_either_ends_it_at_once(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post = await house.publish(anna, ToFriends())
    await house.like(bela, post)
    ended = await house.tie(bela, anna, "unfriend")
    assert ended.state == "none"
    assert await house.refusal(on(comments.like, post), None, bela) == ("not-found", None)
    same_place(ended, await house.tie(bela, anna, "unfriend"))
    await house.settle()
    assert (await house.tie(anna, bela, "befriend")).state == "outgoing"


@in_street
async def test_a_block_hides_both_from_each_other_and_lifting_it_brings_no_friendship_back(
    street: Street,
) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post, belas = await house.publish(anna), await house.publish(bela)
    blocked = await house.tie(anna, bela, "block")
    same_place(blocked, await house.tie(anna, bela, "block"))
    assert await house.refusal(on(comments.like, post), None, bela) == ("not-found", None)
    assert await house.refusal(on(comments.like, belas), None, anna) == ("not-found", None)
    befriend = ChangeTie(anna, "befriend")
    assert await house.refusal(change_tie, befriend, bela) == ("not-found", None)
    await house.settle()
    lifted = await house.tie(anna, bela, "unblock")
    same_place(lifted, await house.tie(anna, bela, "unblock"))
    assert (await house.tie(bela, anna, "befriend")).state == "outgoing"


@in_street
async def test_a_certified_space_is_followed(street: Street) -> None:
    house, anna, carl = street.house, street.anna, street.carl
    follow = ChangeTie(carl, "follow")
    assert await house.refusal(change_tie, follow, anna) == ("not-certified", None)
    await house.run(to(spaces.certify, carl), CertifySpace("brand", "商务"), STAFF)
    followed = await house.tie(anna, carl, "follow")
    same_place(followed, await house.tie(anna, carl, "follow"))
    unfollowed = await house.tie(anna, carl, "unfollow")
    same_place(unfollowed, await house.tie(anna, carl, "unfollow"))


@in_street
async def test_nobody_is_befriended(street: Street) -> None:
    befriend = ChangeTie(MemberId(mint(0, 1, 1)), "befriend")
    assert await street.house.refusal(change_tie, befriend, street.anna) == ("not-found", None)


@in_street
async def test_what_never_was_is_undone_at_no_place(street: Street) -> None:
    for move in ("unfriend", "unblock", "unfollow"):
        answer = await street.house.tie(street.anna, street.carl, move)
        assert (answer.position, answer.written) == (0, ())


@in_street
async def test_a_message_of_a_friend_says_what_it_found(street: Street) -> None:
    """What a policy is answered when its message finds nothing to do."""
    house, anna, carl = street.house, street.anna, street.carl
    await house.tie(anna, carl, "befriend")
    asked = house.last(anna)
    assert isinstance(asked, FriendAsked)
    message = HearFriend(carl, anna, asked.bond, "asked")
    heard = await house.run(hear_friend, message, carl)
    assert isinstance(house.last(carl), FriendRequestReceived)
    same_place(heard, await house.run(hear_friend, message, carl))


# Policies


@in_street
async def test_an_event_told_again_does_nothing(street: Street) -> None:
    """Neither here nor on another server, nor after the world has changed."""
    house, anna, bela = street.house, street.anna, street.bela
    await house.tie(anna, bela, "unfriend")
    await house.settle()
    await house.tie(bela, anna, "befriend")
    await house.settle()
    before = len(house.events())
    for server in (house, house.beside()):
        for recorded in house.events():
            for policy in server.policies:
                if type(recorded.event) in policy.types:
                    await policy.react(recorded)
    assert len(house.events()) == before


@in_street
async def test_a_policy_keeps_a_refusal_and_goes_on(street: Street) -> None:
    house, anna = street.house, street.anna
    tried: list[int] = []

    async def refuse(command: SuspendAccount, work: Any) -> Any:
        tried.append(1)
        return await house.accounts.suspend(MemberId(mint(0, 1, 1)), command, work)

    policy = Policy(
        "suspend-nobody",
        frozenset({AccountOpened}),
        lambda _: ((SuspendAccount("spam"), refuse, 1),),
        house.executor,
    )
    recorded = house.log.reader.read_stream(account_stream(anna))[0]
    await policy.react(recorded)
    await policy.react(recorded)
    assert len(house.events(policy.context(recorded, 1).actor)) == 0
    assert tried


# Lists


async def family(street: Street, *qqs: int) -> Answer:
    """Anna's list of that name."""
    saving = SaveList("家人", list(qqs))
    return await street.house.run(street.house.lists.save, saving, street.anna)


@in_street
async def test_a_list_is_saved_replaced_and_dropped(street: Street) -> None:
    house, anna = street.house, street.anna
    first = await family(street, 10002)
    same_place(first, await family(street, 10002, 10002))
    replaced = await family(street, 10003)
    assert replaced.id == first.id
    saved = house.last(anna)
    assert isinstance(saved, ListSaved)
    assert (saved.members, saved.removed) == (frozenset({street.carl}), frozenset({street.bela}))
    assert house.vault.open(saved.name) == "家人"
    drop = on(house.lists.delete, ListId(first.id))
    dropped = await house.run(drop, None, anna)
    assert house.last(anna) == ListDeleted(anna, ListId(first.id), frozenset({street.carl}))
    same_place(dropped, await house.run(drop, None, anna))


@in_street
async def test_a_list_is_of_members_other_than_oneself(street: Street) -> None:
    house, anna = street.house, street.anna
    save = house.lists.save
    refused = await house.refusal(save, SaveList("家人", [10002, 99999]), anna)
    assert refused == ("no-such-member", "/members/1")
    refused = await house.refusal(save, SaveList("家人", [10001]), anna)
    assert refused == ("not-yourself", "/members")
    drop = on(house.lists.delete, ListId(mint(0, 1, 1)))
    assert await house.refusal(drop, None, anna) == ("not-found", None)


# Posts


@in_street
async def test_posts_of_each_kind_are_published_sealed(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    original = await house.publish(bela, text="床前明月光")
    consent = ChangeProfile(location_consent=True)
    await house.run(house.accounts.change_profile, consent, anna)
    for command, kind in (
        (PublishShuoshuo("好诗", ToPublic(), mood="思乡", location="长安"), "shuoshuo"),
        (PublishDiary("静夜思", "疑是地上霜", ToFriends()), "diary"),
        (PublishShare(original, ToPublic()), "share"),
    ):
        answer = await house.run(house.posts.publish, command, anna)
        assert (answer.status, answer.state, cell_of(answer.id)) == (
            201,
            "published",
            cell_of(anna),
        )
        published = house.last(anna)
        assert isinstance(published, PostPublished)
        assert published.kind == kind
        assert house.vault.open(published.content.text) == command.text
        assert published.share_of == (original if kind == "share" else None)


@in_street
async def test_a_share_of_a_share_is_of_the_original_while_that_can_be_seen(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    original = await house.publish(anna, ToFriends())
    share = PublishShare(original, ToPublic())
    shared = PostId((await house.run(house.posts.publish, share, bela)).id)
    again = PublishShare(shared, ToPublic())
    refused = await house.refusal(house.posts.publish, again, carl)
    assert refused == ("no-such-post", "/share_of")
    await house.run(to(house.posts.change_audience, original), ToPublic(), anna)
    await house.run(house.posts.publish, again, carl)
    event = house.last(carl)
    assert isinstance(event, PostPublished)
    assert event.share_of == original


@in_street
async def test_what_cannot_be_published(street: Street) -> None:
    house, anna = street.house, street.anna
    publish = house.posts.publish
    cases: list[tuple[Any, tuple[str, str]]] = [
        (PublishShuoshuo("好", ToPublic(), images=[NOWHERE]), ("no-such-image", "/images/0")),
        (PublishShare(NOWHERE, ToPublic()), ("no-such-post", "/share_of")),
        (PublishShare(FOREIGN, ToPublic()), ("no-such-post", "/share_of")),
        (PublishShuoshuo("好", ToList(name="家人")), ("no-such-list", "/audience/name")),
        (PublishShuoshuo("好", ToList([99999])), ("no-such-member", "/audience/list/0")),
        (PublishShuoshuo("好", ToList()), ("list-or-name", "/audience")),
        (PublishShuoshuo("好", ToList([10002], "家人")), ("list-or-name", "/audience")),
    ]
    for command, problem in cases:
        assert await house.refusal(publish, command, anna) == problem


@in_street
async def test_a_post_for_named_members_is_for_those(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    post = await house.publish(anna, ToList([10003, 10001]))
    event = house.last(anna)
    assert isinstance(event, PostPublished)
    assert event.audience == Listed(frozenset({carl}))
    await house.like(carl, post)
    assert await house.refusal(on(comments.like, post), None, bela) == ("not-found", None)


@in_street
async def test_a_post_for_a_list_follows_the_list(street: Street) -> None:
    house, carl = street.house, street.carl
    listed = await family(street, 10002)
    post = await house.publish(street.anna, ToList(name="家人"))
    assert await house.refusal(on(comments.like, post), None, carl) == ("not-found", None)
    await family(street, 10003)
    await house.like(carl, post)
    await house.run(on(house.lists.delete, ListId(listed.id)), None, street.anna)
    assert await house.refusal(on(comments.like, post), None, carl) == ("not-found", None)


@in_street
async def test_an_edit_changes_what_is_named_and_nothing_else(street: Street) -> None:
    house, anna = street.house, street.anna
    published = await house.run(
        house.posts.publish, PublishShuoshuo("床前", ToPublic(), mood="思乡"), anna
    )
    post = PostId(published.id)
    edit = to(house.posts.edit, post)
    same_place(published, await house.run(edit, EditPost(), anna))
    await house.run(edit, EditPost(text="明月"), anna)
    edited = house.last(anna)
    assert isinstance(edited, PostEdited)
    assert house.vault.open(edited.content.text) == "明月"
    assert edited.content.mood is not None
    await house.run(edit, EditPost(mood=None), anna)
    edited = house.last(anna)
    assert isinstance(edited, PostEdited)
    assert edited.content.mood is None


@in_street
async def test_what_an_edit_may_not_do(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    post = await house.publish(anna, ToFriends())
    edit = to(house.posts.edit, post)
    long = EditPost(text="长" * (SHUOSHUO_LENGTH_MAX + 1))
    assert await house.refusal(edit, long, anna) == ("too-long", "/text")
    assert await house.refusal(edit, EditPost(text=""), anna) == ("too-short", "/text")
    titled = EditPost(title="静夜思")
    assert await house.refusal(edit, titled, anna) == ("title-unexpected", "/title")
    assert await house.refusal(edit, EditPost(text="改"), bela) == ("not-yours", None)
    assert await house.refusal(edit, EditPost(text="改"), carl) == ("not-found", None)
    for nothing in (NOWHERE, FOREIGN):
        refused = await house.refusal(to(house.posts.edit, nothing), EditPost(text="改"), anna)
        assert refused == ("not-found", None)


@in_street
async def test_a_change_is_made_to_the_version_its_author_saw(street: Street) -> None:
    house, anna = street.house, street.anna
    post = await house.publish(anna)

    async def change(command: EditPost, work: Any) -> Any:
        return await house.posts.edit(post, command, work, admits=lambda version: version == 1)

    await house.run(change, EditPost(text="一"), anna)
    refused = await house.refusal(change, EditPost(text="二"), anna)
    assert refused == ("version-mismatch", None)


@in_street
async def test_an_audience_changes_once(street: Street) -> None:
    house, anna = street.house, street.anna
    published = await house.run(house.posts.publish, SAY, anna)
    change = to(house.posts.change_audience, PostId(published.id))
    same_place(published, await house.run(change, ToPublic(), anna))
    changed = await house.run(change, ToFriends(), anna)
    assert house.last(anna) == PostAudienceChanged(anna, Friends(), 2)
    same_place(changed, await house.run(change, ToFriends(), anna))
    refused = await house.refusal(change, ToList(), anna)
    assert refused == ("list-or-name", "")
    assert await house.refusal(change, ToOnlyMe(), street.bela) == ("not-yours", None)


@in_street
async def test_a_post_is_deleted_by_its_author_once(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post = await house.publish(anna)
    delete = on(house.posts.delete, post)
    assert await house.refusal(delete, None, bela) == ("not-yours", None)
    deleted = await house.run(delete, None, anna)
    assert deleted.state == "deleted"
    due = house.clock.now() + RETENTION
    assert [one.event for one in house.events(anna)][-2:] == [
        PostDeleted(anna),
        ContentRetained(anna, "post", post, due),
    ]
    same_place(deleted, await house.run(delete, None, anna))
    assert await house.refusal(delete, None, bela) == ("not-found", None)


# Comments and likes


async def comment_on(house: House, post: PostId, author: MemberId, *answers: CommentId) -> Answer:
    """A comment, or an answer to one."""
    writing = WriteComment("好诗", answers[0] if answers else None)
    return await house.run(to(comments.write, post), writing, author)


@in_street
async def test_comments_live_with_whoever_makes_them_and_form_threads(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    post = await house.publish(anna)
    first = await comment_on(house, post, bela)
    assert (first.status, cell_of(first.id)) == (201, cell_of(bela))
    await comment_on(house, post, carl, CommentId(first.id))
    answer = house.last(carl)
    assert isinstance(answer, CommentWritten)
    assert (answer.thread, answer.reply_to, answer.answered) == (first.id, first.id, bela)
    assert house.vault.open(answer.text) == "好诗"


@in_street
async def test_what_cannot_be_commented_on_or_answered(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    post, elsewhere = await house.publish(anna), await house.publish(anna)
    private = await house.publish(anna, ToFriends())
    comment = CommentId((await comment_on(house, post, bela)).id)
    for unseen in (private, NOWHERE, FOREIGN):
        refused = await house.refusal(to(comments.write, unseen), WriteComment("好"), carl)
        assert refused == ("not-found", None)
    for reply_to in (NOWHERE, FOREIGN, post, mint(0, 1, 77)):
        answer = WriteComment("好", reply_to)
        refused = await house.refusal(to(comments.write, post), answer, carl)
        assert refused == ("no-such-comment", "/reply_to")
    refused = await house.refusal(to(comments.write, elsewhere), WriteComment("好", comment), carl)
    assert refused == ("no-such-comment", "/reply_to")


@in_street
async def test_a_comment_is_taken_away_by_its_author_or_the_posts(street: Street) -> None:
    house, anna, bela, carl = street.house, street.anna, street.bela, street.carl
    post = await house.publish(anna)
    own, other = [CommentId((await comment_on(house, post, bela)).id) for _ in range(2)]
    assert await house.refusal(on(comments.delete, own), None, carl) == ("not-yours", None)
    deleted = await house.run(on(comments.delete, own), None, bela)
    same_place(deleted, await house.run(on(comments.delete, own), None, anna))
    moderated = await house.run(on(comments.delete, other), None, anna)
    gone, kept = [one.event for one in house.committed][-2:]
    assert gone == CommentDeleted(bela, post, anna, "post_author")
    assert kept == ContentRetained(bela, "comment", other, house.clock.now() + RETENTION)
    assert moderated.cell == cell_of(bela), "where the comment lives"
    stored = house.log.reader.read_stream(comment_stream(other))[-1]
    assert (stored.actor, stored.owner) == (anna, bela)
    for nothing in (NOWHERE, FOREIGN, mint(0, 1, 77)):
        refused = await house.refusal(on(comments.delete, nothing), None, anna)
        assert refused == ("not-found", None)


@in_street
async def test_a_post_is_liked_and_liked_no_longer(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post = await house.publish(anna)
    never = await house.run(on(comments.unlike, post), None, bela)
    assert (never.position, never.state) == (0, "not_liked")
    liked = await house.like(bela, post)
    same_place(liked, await house.like(bela, post))
    unliked = await house.run(on(comments.unlike, post), None, bela)
    same_place(unliked, await house.run(on(comments.unlike, post), None, bela))
    for nothing in (NOWHERE, FOREIGN):
        for handler in (comments.like, comments.unlike):
            assert await house.refusal(on(handler, nothing), None, bela) == ("not-found", None)


@in_street
async def test_a_like_of_what_is_gone_can_still_be_withdrawn(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post = await house.publish(anna)
    await house.like(bela, post)
    await house.run(on(house.posts.delete, post), None, anna)
    assert (await house.run(on(comments.unlike, post), None, bela)).written
    assert await house.refusal(on(comments.like, post), None, bela) == ("not-found", None)


# Spaces and disclosures


@in_street
async def test_a_space_is_certified_where_its_member_lives(street: Street) -> None:
    house, carl = street.house, street.carl
    certify, withdraw = to(spaces.certify, carl), on(spaces.withdraw_certification, carl)
    never = await house.run(withdraw, None, STAFF)
    assert (never.position, never.written) == (0, ())
    certified = await house.run(certify, CertifySpace("brand", "商务"), STAFF)
    assert (certified.cell, house.last(STAFF).member) == (cell_of(carl), carl)  # type: ignore[attr-defined]
    same_place(certified, await house.run(certify, CertifySpace("brand", "商务"), STAFF))
    renamed = await house.run(certify, CertifySpace("brand", "商务印书馆"), STAFF)
    event = house.last(STAFF)
    assert isinstance(event, SpaceCertified)
    assert house.vault.open(event.name) == "商务印书馆"
    withdrawn = await house.run(withdraw, None, STAFF)
    assert renamed.position < withdrawn.position
    assert house.last(STAFF) == CertificationWithdrawn(carl)
    same_place(withdrawn, await house.run(withdraw, None, STAFF))
    nobody = to(spaces.certify, MemberId(mint(0, 1, 1)))
    refused = await house.refusal(nobody, CertifySpace("brand", "无"), STAFF)
    assert refused == ("not-found", None)


@in_street
async def test_every_reading_of_sealed_data_is_recorded(street: Street) -> None:
    house = street.house
    reading = RecordDisclosure("compliance", "case 7", "list_events", (StreamId(street.anna),))
    for _ in range(2):
        answer = await house.run(disclosures.record_disclosure, reading, STAFF)
        assert answer.written, "twice read is twice recorded"
    event = house.last(STAFF)
    assert isinstance(event, SealedDataRead)
    assert house.vault.open(event.purpose) == "case 7"
    assert (event.staff, event.streams) == (STAFF, reading.streams)


# Who may not act may do nothing


@in_street
async def test_a_suspended_member_does_nothing_at_all(street: Street) -> None:
    house, anna, bela = street.house, street.anna, street.bela
    post = await house.publish(anna)
    belas = await house.publish(bela)
    comment = CommentId((await comment_on(house, belas, anna)).id)
    await house.run(to(house.accounts.suspend, anna), SuspendAccount("spam"), STAFF)
    attempts: list[tuple[Any, Any]] = [
        (house.accounts.change_profile, ChangeProfile("x")),
        (change_tie, ChangeTie(bela, "unfriend")),
        (house.lists.save, SaveList("家人", [])),
        (on(house.lists.delete, ListId(mint(0, 1, 1))), None),
        (house.posts.publish, SAY),
        (to(house.posts.edit, post), EditPost(text="x")),
        (to(house.posts.change_audience, post), ToOnlyMe()),
        (on(house.posts.delete, post), None),
        (to(comments.write, belas), WriteComment("x")),
        (on(comments.delete, comment), None),
        (on(comments.like, belas), None),
        (on(comments.unlike, belas), None),
    ]
    before = len(house.events())
    for handler, command in attempts:
        assert await house.refusal(handler, command, anna) == ("suspended", None)
    assert len(house.events()) == before
