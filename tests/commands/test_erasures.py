"""
What commands make of a member who is forgotten, from the commit that begins it on: before anything
of theirs has been deleted.
"""

from functools import partial

from commands import comments, forgetting
from commands import erasures as commands
from commands.comments import WriteComment
from commands.erasures import AskErasure, BeginErasureAgain, ErasureHandlers, PlaceHold
from commands.forgetting import DeleteItems, EndTies, Item
from commands.posts import PublishShuoshuo
from commands.types import ToFriends, ToPublic
from domain.account import ACCOUNT, Erased, account_stream
from domain.circle import CIRCLE, circle_stream
from domain.comment import CommentDeleted
from domain.erasure import ERASURE, Begun, Terms, erasure_stream
from domain.post_events import PostDeleted
from domain.sealed import KeyClass
from tests.commands.house import STAFF, House, live, to

HANDLERS = ErasureHandlers(Terms())


async def forget(house: House, member: object) -> None:
    """As a restore does, which waits for nothing."""
    again = BeginErasureAgain(member, (KeyClass.CONTENT,))  # type: ignore[arg-type]
    await house.run(HANDLERS.begin_again, again, STAFF)


def test_from_that_commit_on_nobody_meets_what_was_theirs() -> None:
    async def lived() -> None:
        house = House()
        anna, bela = await house.join(10001), await house.join(10002)
        await house.befriend(anna, bela)
        public = await house.publish(anna)
        friends = await house.publish(anna, ToFriends())
        await forget(house, anna)
        for post in (public, friends):
            write = to(comments.write, post)
            assert await house.refusal(write, WriteComment("here?"), bela) == ("not-found", None)
        assert await house.refusal(house.posts.publish, SAY, anna) == ("no-account", None)
        assert await house.refusal(HANDLERS.ask, AskErasure(), anna) == ("no-account", None)
        state = (await house.streams.load(ACCOUNT, account_stream(anna))).state
        assert isinstance(state, Erased)

    live(lived)


SAY = PublishShuoshuo("好", ToPublic())


def test_ties_end_one_by_one_and_free_their_places() -> None:
    async def lived() -> None:
        house = House()
        anna, bela, carl = [await house.join(10001 + number) for number in range(3)]
        await house.befriend(anna, bela)
        await house.tie(anna, carl, "block")
        assert await house.refusal(forgetting.end_ties, EndTies(anna), STAFF) == (
            "not-found", None,
        )  # fmt: skip
        await forget(house, anna)
        assert (await house.run(forgetting.end_ties, EndTies(anna), STAFF)).state == "more"
        assert (await house.run(forgetting.end_ties, EndTies(anna), STAFF)).state == "done"
        await house.settle()
        circle = (await house.streams.load(CIRCLE, circle_stream(bela))).state
        assert circle.friends == 0

    live(lived)


def test_items_are_deleted_once_and_only_of_whoever_is_forgotten() -> None:
    async def lived() -> None:
        house = House()
        anna, bela = await house.join(10001), await house.join(10002)
        post = await house.publish(bela)
        own = await house.publish(anna)
        write = to(comments.write, post)
        comment = (await house.run(write, WriteComment("mine"), anna)).id
        items = (Item("comment", comment, post), Item("post", own, own), Item("post", post, post))
        delete = DeleteItems(anna, items)
        assert await house.refusal(forgetting.delete_items, delete, STAFF) == ("not-found", None)
        await forget(house, anna)
        answer = await house.run(forgetting.delete_items, delete, STAFF)
        kinds = [type(one.event) for one in house.committed[-2:]]
        assert (len(answer.written), kinds) == (2, [CommentDeleted, PostDeleted])
        assert (await house.run(forgetting.delete_items, delete, STAFF)).written == ()

    live(lived)


def test_what_is_sealed_for_somebody_whose_key_is_gone_is_refused() -> None:
    async def lived() -> None:
        house = House()
        anna = await house.join(10001)
        house.vault.destroy(anna, KeyClass.CONTENT)
        assert await house.refusal(house.posts.publish, SAY, anna) == ("not-found", None)

    live(lived)


def test_a_hold_is_placed_on_who_is_gone_as_well() -> None:
    async def lived() -> None:
        house = House()
        anna = await house.join(10001)
        await forget(house, anna)
        place = partial(commands.place_hold, anna)
        placed = await house.run(place, PlaceHold("case 12", (KeyClass.BILLING,)), STAFF)
        assert placed.state == "held"
        again = await house.run(place, PlaceHold("case 12", (KeyClass.BILLING,)), STAFF)
        assert (again.written, again.position) == ((), placed.position)
        erasure = (await house.streams.load(ERASURE, erasure_stream(anna))).state
        assert erasure.held == (KeyClass.BILLING,)
        assert isinstance(erasure.stage, Begun)

    live(lived)
