"""
What staff took down answers as what its author deleted: by no answer can others tell the two apart.
"""

import msgspec

from commands import comments
from commands.comments import WriteComment
from commands.subjects import CommentSubject
from domain.ids import CommentId
from tests.commands.bench import Bench
from tests.commands.house import live, on, to


def test_a_like_is_withdrawn_from_a_post_that_is_taken_down_as_from_a_deleted_one() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house, bela = bench.house, bench.bela
        deleted = await house.publish(bench.anna)
        for post in (bench.post, deleted):
            await house.like(bela, post)
        await bench.report(bela)
        await bench.decide()
        await house.run(on(house.posts.delete, deleted), None, bench.anna)
        for post in (bench.post, deleted):
            assert await house.refusal(on(comments.like, post), None, bela) == ("not-found", None)
            unliked = await house.run(on(comments.unlike, post), None, bela)
            assert (unliked.status, unliked.state, len(unliked.written)) == (200, "not_liked", 1)

    live(history)


def test_a_comment_that_is_taken_down_is_deleted_as_one_that_is_gone() -> None:
    async def history() -> None:
        bench = await Bench().sit()
        house, anna, bela = bench.house, bench.anna, bench.bela
        write = to(comments.write, bench.post)
        gone, down = [
            CommentId((await house.run(write, WriteComment("好"), bela)).id) for _ in range(2)
        ]
        await house.run(on(comments.delete, gone), None, bela)
        about = CommentSubject(down)
        await bench.decide(case=await bench.open(about))
        for who in (anna, bela):
            answers = [await house.run(on(comments.delete, one), None, who) for one in (gone, down)]
            assert [msgspec.structs.astuple(one)[3:] for one in answers] == [
                ("deleted", 200, False, ()),
            ] * 2
        for one in (gone, down):
            refused = await house.refusal(on(comments.delete, one), None, bench.carl)
            assert refused == ("not-found", None)

    live(history)
