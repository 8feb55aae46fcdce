"""
What was opened is shown again while its key is there.
"""

from uuid import UUID

from api.shown import Shown
from projections.reading.posts import PostView, Profile
from tests.projections.recorded import NOON


class Keys:
    """A vault that says what it is told."""

    destroyed = 0

    def destructions(self) -> int:
        return self.destroyed


def view() -> PostView:
    author = Profile(UUID(int=1), b"q", b"n")
    return PostView(
        UUID(int=2), author, "shuoshuo", b"t", None, None, None, None, NOON, None, 0, 1, 1,
        "public", 0, 0, False, True,
    )  # fmt: skip


def test_the_same_view_is_shown_as_before_and_an_equal_one_is_not() -> None:
    shown, one, other = Shown(Keys()), view(), view()
    raw = shown.hold(one, b"{}")
    assert shown.get(one) is raw
    assert shown.get(other) is None


def test_a_destroyed_key_takes_all_along() -> None:
    keys = Keys()
    shown, one = Shown(keys), view()
    shown.hold(one, b"{}")
    shown.refresh()
    assert shown.get(one) is not None
    keys.destroyed += 1
    shown.refresh()
    assert (shown.get(one), len(shown)) == (None, 0)
    shown.hold(one, b"{}")
    shown.refresh()
    assert shown.get(one) is not None


def test_it_holds_so_many_bytes_and_drops_the_oldest() -> None:
    shown, views = Shown(Keys(), bytes_max=5_000), [view() for _ in range(20)]
    for one in views:
        shown.hold(one, b"x" * 400)
    assert [shown.get(one) is not None for one in views] == [False] * 15 + [True] * 5
    for _ in range(20):
        shown.hold(views[-1], b"x" * 400)
    assert len(shown) == 5
    assert shown.hold(view(), b"x" * 9_000)
    assert len(shown) == 0
