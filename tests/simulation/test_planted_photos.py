"""
The simulator finds what is wrong with albums, photos and the images of posts: bugs that are
planted, one at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import msgspec
import pytest

from api.routes import albums as album_routes
from commands import images
from commands import photos as photo_commands
from domain import album as albums
from domain import gallery as galleries
from domain.album_events import AlbumAudienceChanged, AlbumDeleted, AlbumPhotoCame
from domain.audience import Public
from domain.event import Recorded
from domain.gallery import GALLERY
from domain.ids import cell_of
from domain.photo import PHOTO, DeletedPhoto, photo_stream
from domain.photo_events import PhotoDeleted, PhotoMoved, PhotoUnpublished
from projections.albums import ALBUM_COUNTS, Albums
from projections.gates import GATES, Gates
from projections.photos import PHOTOS
from projections.reading import albums as album_reads
from projections.reading import images as image_reads
from projections.reading import photos as photo_reads
from projections.rows import Change
from tests.simulation import exhibits
from tests.simulation.history import Plan
from tests.simulation.planting import SEEDS_MAX, first_failure
from tests.simulation.run import live
from tests.simulation.server import Temper
from tests.simulation.statements import TWINS

PLAN = Plan(
    members=4,
    clients=5,
    rounds=2,
    moves=120,
    idle_seconds=0.1,
    photos=0.8,
    temper=Temper(seconds=0.05, stall=0.4, reads_lost=0.02, answers_lost=0.05),
)
PAGED = msgspec.structs.replace(PLAN, pages=0.3)
JUDGED = msgspec.structs.replace(PLAN, moderation=0.4)


@contextmanager
def _deaf(kinds: type | tuple[type, ...]) -> Iterator[None]:
    """Gates that some events leave as they were."""
    rows = Gates.rows

    def careless(model: Gates, recorded: Recorded) -> Iterator[Change]:
        left = isinstance(recorded.event, kinds)
        return (one for one in rows(model, recorded) if not (left and one.table is GATES))

    with mock.patch.object(Gates, "rows", careless):
        yield


def an_unpublished_photo_is_still_sent() -> Any:
    """Bytes and words of what people took down."""
    return _deaf(PhotoUnpublished)


def a_deleted_photo_is_still_shown() -> Any:
    """A photo that its owner took away, in the posts that showed it."""
    return _deaf((PhotoDeleted, AlbumDeleted))


def an_album_stays_for_whom_it_was() -> Any:
    """An audience that is changed, and lets the others in all the same."""
    return _deaf(AlbumAudienceChanged)


def a_moved_photo_stays_for_whom_it_was() -> Any:
    """A photo whose gate has not heard that it is in another album."""
    return _deaf(PhotoMoved)


def an_album_is_for_everybody() -> Any:
    """Pages of albums that mind no audience."""
    return mock.patch.object(album_reads, "audience_of", return_value=Public())


def a_photo_minds_no_album() -> Any:
    """Photos that mind their own gates alone."""

    def own(viewer: Any, row: Any) -> Any:
        live, audience, _, _, bond, blocked, listed = row[18:]
        relation = viewer.relation(row[1], bond=bond, blocked=blocked, listed=listed)
        return photo_reads._there(row, live, audience, relation)

    return mock.patch.object(photo_reads, "_gated", own)


def a_cover_minds_no_photo() -> Any:
    """Albums that show the cover their owner once chose, whatever became of it."""
    return mock.patch.object(exhibits, "_cover", lambda *asked: asked[3])


def an_image_minds_no_photo() -> Any:
    """Posts that show whatever they ever showed."""
    return mock.patch.object(image_reads, "visible", return_value=True)


def an_image_minds_no_album() -> Any:
    """Posts that show photos of albums that are gone."""
    shown = TWINS["images_of_posts"]

    def careless(tables: Any, asked: Any) -> Any:
        made = []
        for photo, *said, _, audience in shown(tables, asked):
            cells = dict(zip(asked["photos"], asked["cells"], strict=True))
            gate = tables.get(GATES, cells[photo], photo)
            made.append((photo, *said, gate["live"], audience))
        return made

    return mock.patch.dict(TWINS, {"images_of_posts": careless})


def anything_is_an_image() -> Any:
    """Posts for which nobody asks how their photos stand."""

    return mock.patch.object(images, "_gone", _never)


async def _never(*_: Any) -> bool:
    return False


@contextmanager
def photos_are_counted_for_good() -> Iterator[None]:
    """A count of photos that never falls."""
    rows = Albums.rows

    def careless(model: Albums, recorded: Recorded) -> Iterator[Change]:
        gone = isinstance(recorded.event, PhotoDeleted)
        found = rows(model, recorded)
        return (one for one in found if not (gone and one.table is ALBUM_COUNTS))

    with mock.patch.object(Albums, "rows", careless):
        yield


def anybody_has_room() -> Any:
    """A quota that nobody minds."""
    return mock.patch.object(galleries, "check_room", return_value=None)


@contextmanager
def room_is_what_it_was() -> Iterator[None]:
    """A quota that is held against what was used before somebody else added something."""
    check, known = galleries.add_photo, dict[Any, Any]()

    def late(gallery: Any, owner: Any, *rest: Any) -> Any:
        before = known.get(owner, gallery)
        known[owner] = gallery
        return check(before, owner, *rest)

    with mock.patch.object(galleries, "add_photo", late):
        yield


@contextmanager
def a_deletion_said_again_gives_room_again() -> Iterator[None]:
    """A quota from which the bytes of one photo are taken twice, where its deletion is retried."""
    delete = photo_commands.delete

    async def twice(photo: Any, work: Any, **more: Any) -> Any:
        state = await work.load(PHOTO, photo_stream(photo))
        outcome = await delete(photo, work, **more)
        if isinstance(state, DeletedPhoto):
            stream = galleries.gallery_stream(state.owner, cell_of(state.owner))
            await work.load(GALLERY, stream)
            again = galleries.GalleryPhotoRemoved(state.owner, photo, 100)
            work.append(GALLERY, stream, state.owner, (again,))
        return outcome

    with mock.patch.object(photo_commands, "delete", twice):
        yield


@contextmanager
def an_album_is_full_one_late() -> Iterator[None]:
    """An album that takes in one photo too many."""
    with mock.patch.object(albums, "receive", _receive):
        yield


def _receive(album: Any, photo: Any, stored: int) -> Any:
    return (AlbumPhotoCame(album.owner, photo, stored),)


def a_closed_page_shows_albums() -> Any:
    """Lists of albums, and walls, that mind no privacy."""

    async def always(*_: Any) -> bool:
        return True

    return mock.patch.object(album_routes, "section_is_open", always)


@contextmanager
def bytes_go_with_any_album() -> Iterator[None]:
    """A deleted album that takes the bytes of photos along which have left it."""
    gone = TWINS["renditions_of_album"]

    def every(tables: Any, asked: Any) -> Any:
        return [(*row[:3], True) for row in gone(tables, asked)] + [
            (key[1], row["added_at"], row["renditions"], True)
            for key, row in tables.every(PHOTOS).items()
            if key[0] == asked["cell"]
        ]

    with mock.patch.dict(TWINS, {"renditions_of_album": every}):
        yield


@pytest.mark.parametrize(
    ("plant", "plan"),
    [
        (an_unpublished_photo_is_still_sent, JUDGED),
        (a_deleted_photo_is_still_shown, PLAN),
        (an_album_stays_for_whom_it_was, PLAN),
        (a_moved_photo_stays_for_whom_it_was, PLAN),
        (an_album_is_for_everybody, PLAN),
        (a_photo_minds_no_album, PLAN),
        (a_cover_minds_no_photo, PLAN),
        (an_image_minds_no_photo, JUDGED),
        (an_image_minds_no_album, PLAN),
        (anything_is_an_image, PLAN),
        (photos_are_counted_for_good, PLAN),
        (anybody_has_room, PLAN),
        (room_is_what_it_was, PLAN),
        (a_deletion_said_again_gives_room_again, PLAN),
        (an_album_is_full_one_late, PLAN),
        (a_closed_page_shows_albums, PAGED),
        (bytes_go_with_any_album, PLAN),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_is_planted_is_found(plant: Any, plan: Plan) -> None:
    found = first_failure(plant, plan)
    assert found is not None, f"not found in {SEEDS_MAX} seeds"


@pytest.mark.parametrize("plan", [PLAN, JUDGED])
def test_nothing_else_is_found(plan: Plan) -> None:
    for seed in range(1, 4):
        live(seed, plan)
