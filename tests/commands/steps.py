"""
Steps of generated histories: commands of three members about each other and each other's posts.
"""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from commands import comments
from commands.circles import ChangeTie, Move, change_tie
from commands.comments import WriteComment
from commands.executor import Answer
from commands.lists import SaveList
from commands.posts import EditPost
from commands.types import ToFriends, ToList, ToPublic
from domain.comment import CommentWritten
from domain.ids import CommentId, MemberId, PostId
from tests.commands.house import House, on, to

MOVES: list[Move] = ["befriend", "unfriend", "block", "unblock", "follow", "unfollow"]
WHO = st.integers(0, 2)


class Step(NamedTuple):
    """One command: by whom, what, and towards which member or post."""

    who: int
    what: str
    towards: int
    settles: bool


#: What is done; some things more often, since others put an end to much.
WHATS = [
    *MOVES,
    *["befriend", "unblock", "follow", "like", "like", "unlike", "unlike", "comment"],
    "list",
    "narrow",
    "widen",
    "list only",
    "edit",
    "comment",
    "uncomment",
    "delete",
]
STEPS = st.builds(
    Step,
    WHO,
    st.sampled_from(WHATS),
    WHO,
    st.booleans(),
)


async def taken(house: House, step: Step, members: list[MemberId], posts: list[PostId]) -> Answer:
    """Take a step."""
    post, other = posts[step.towards], members[step.towards]
    change = to(house.posts.change_audience, post)
    commands: dict[str, tuple[Any, Any]] = {
        "like": (on(comments.like, post), None),
        "unlike": (on(comments.unlike, post), None),
        "list": (house.lists.save, SaveList("家人", [10001 + step.towards])),
        "narrow": (change, ToFriends()),
        "widen": (change, ToPublic()),
        "list only": (change, ToList(name="家人")),
        "edit": (to(house.posts.edit, post), EditPost(text="改")),
        "comment": (to(comments.write, post), WriteComment("好诗")),
        "uncomment": (on(comments.delete, newest_comment(house, post)), None),
        "delete": (on(house.posts.delete, post), None),
        **{move: (change_tie, ChangeTie(other, move)) for move in MOVES},
    }
    return await house.run(*commands[step.what], members[step.who])


def newest_comment(house: House, post: PostId) -> CommentId:
    """The comment that stands last under a post, in the order of cells; or the post, for none."""
    written = [
        one.stream
        for one in house.events()
        if isinstance(one.event, CommentWritten) and one.event.post == post
    ]
    return CommentId(written[-1] if written else post)
