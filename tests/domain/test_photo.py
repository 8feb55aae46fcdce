"""
How albums and photos stand, and which steps verdicts make them take.
"""

import pytest

from domain import photo as decisions
from domain.exhibit import PUBLISHED, Down, Standing, Waiting, after, steps
from domain.ids import AlbumId, CaseId, DecisionId, MemberId, mint
from domain.photo import PHOTO, NoPhoto, Photo
from domain.photo_events import PhotoDeleted, PhotoWords
from domain.picture import Picture, Rendition
from domain.sealed import Sealed

ANNA, ALBUM, OTHER = MemberId(mint(1, 0, 1)), AlbumId(mint(1, 0, 2)), AlbumId(mint(1, 0, 3))
CASE, DECISION = CaseId(mint(1, 0, 4)), DecisionId(mint(1, 0, 5))
WAITING, WAS_HELD, WAS_SEEN = Waiting("held"), Down("held", 2), Down("published", 2)
ONE = Rendition(b"1" * 32, 10, 4, 3, "png")
ADDED = decisions.add(ANNA, ALBUM, PhotoWords(), Picture(ONE, ONE, ONE), 8)


@pytest.mark.parametrize(
    ("standing", "waits", "verdict", "taken"),
    [
        (WAITING, False, "approve", ("approved",)),
        (WAITING, False, "reject", ("rejected",)),
        (WAITING, False, "unpublish", None),
        (WAITING, False, "no_action", None),
        (PUBLISHED, False, "approve", ()),
        (PUBLISHED, False, "reject", None),
        (PUBLISHED, False, "no_action", ()),
        (PUBLISHED, True, "approve", ("words_approved",)),
        (PUBLISHED, True, "reject", ("words_rejected",)),
        (PUBLISHED, True, "no_action", None),
        (PUBLISHED, True, "unpublish", ("words_rejected", "unpublished")),
        (WAS_SEEN, False, "restore", ("restored",)),
        (WAS_HELD, False, "restore", ("approved",)),
        (WAS_SEEN, False, "unpublish", None),
    ],
)
def test_a_verdict_makes_it_take_these_steps(
    standing: Standing, waits: bool, verdict: str, taken: tuple[str, ...] | None
) -> None:
    assert steps(standing, waits, verdict) == taken


def test_whatever_is_taken_down_remembers_what_it_was() -> None:
    assert after(WAITING, "rejected", 7) == Down("held", 7)
    assert after(PUBLISHED, "unpublished", 7) == Down("published", 7)
    assert after(Down("held", 7), "approved", 8) == PUBLISHED
    assert after(PUBLISHED, "words_rejected", 8) == PUBLISHED


def test_a_restored_photo_is_what_it_was() -> None:
    before = PHOTO.fold(ADDED, NoPhoto())
    down = decisions.judge(before, "unpublish", CASE, DECISION)
    assert down is not None
    taken = PHOTO.fold(down, before, 1)
    assert isinstance(taken, Photo)
    back = decisions.judge(taken, "restore", CASE, DECISION)
    assert back is not None
    restored = PHOTO.fold(back, taken, 2)
    assert isinstance(before, Photo)
    assert isinstance(restored, Photo)
    assert (restored.words, restored.album, restored.picture, restored.standing) == (
        before.words, before.album, before.picture, before.standing
    )  # fmt: skip


def test_a_deletion_says_whether_others_saw_it_and_what_it_frees() -> None:
    photo = PHOTO.fold(ADDED, NoPhoto())
    assert isinstance(photo, Photo)
    assert decisions.delete(photo) == (PhotoDeleted(ANNA, ALBUM, "published", 30),)


def test_other_words_replace_those_that_wait() -> None:
    photo = PHOTO.fold(ADDED, NoPhoto())
    assert isinstance(photo, Photo)
    words = PhotoWords(Sealed(b"new"))
    changed = PHOTO.fold(decisions.reword(photo, words, None), photo, 1)
    assert isinstance(changed, Photo)
    assert (changed.words, changed.pending, changed.said) == (words, None, 2)


def test_moving_to_where_it_is_does_nothing() -> None:
    photo = PHOTO.fold(ADDED, NoPhoto())
    assert isinstance(photo, Photo)
    assert decisions.move(photo, ALBUM, 8) == ()
    (moved,) = decisions.move(photo, OTHER, 16)
    after_it = PHOTO.fold((moved,), photo, 1)
    assert isinstance(after_it, Photo)
    assert (after_it.album, after_it.place) == (OTHER, 16)
