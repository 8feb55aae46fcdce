"""
Albums and photos, as events make them: who may make what, what becomes of it, and how much there
may be.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from domain.album_events import (
    AlbumApproved,
    AlbumArranged,
    AlbumAudienceChanged,
    AlbumAudienceIntended,
    AlbumCreated,
    AlbumDeleted,
    AlbumEvent,
    AlbumFlagged,
    AlbumHeld,
    AlbumPhotoCame,
    AlbumPhotoWent,
    AlbumRefused,
    AlbumRejected,
    AlbumRestored,
    AlbumRetitled,
    AlbumTitleApproved,
    AlbumTitleHeld,
    AlbumTitleRejected,
    AlbumUnpublished,
)
from domain.event import Recorded
from domain.gallery import (
    GalleryAlbumClosed,
    GalleryAlbumOpened,
    GalleryEvent,
    GalleryPhotoAdded,
    GalleryPhotoRemoved,
)
from domain.photo_events import (
    PhotoAdded,
    PhotoApproved,
    PhotoDeleted,
    PhotoEvent,
    PhotoFlagged,
    PhotoHeld,
    PhotoMoved,
    PhotoPlaced,
    PhotoRefused,
    PhotoRejected,
    PhotoRestored,
    PhotoReworded,
    PhotoUnpublished,
    PhotoWords,
    PhotoWordsApproved,
    PhotoWordsHeld,
    PhotoWordsRejected,
)
from tests.simulation.darkroom import ALBUMS_MAX, PHOTOS_MAX, QUOTA, Darkroom
from tests.simulation.legal import must
from tests.simulation.world import Album, Deed, Photo
from tests.simulation.writings import Writings

_OF_ALBUM, _OF_PHOTO = frozenset(get_args(AlbumEvent)), frozenset(get_args(PhotoEvent))
OF_GALLERY = _OF_ALBUM | _OF_PHOTO | frozenset(get_args(GalleryEvent))
FLAGGED = (AlbumFlagged, PhotoFlagged)


class Galleries:
    """What they make of the world."""

    darkroom: Darkroom

    def __init__(self, writings: Writings) -> None:
        self._world = writings
        #: What galleries say: albums and bytes, by owner; what albums say: photos, by album.
        self._albums: Counter[UUID] = Counter()
        self._used: Counter[UUID] = Counter()
        self._photos: Counter[UUID] = Counter()

    def take(self, recorded: Recorded, event: Any) -> None:
        """An album, a photo or a gallery is as this says."""
        if type(event) in _OF_PHOTO:
            self._take_photo(recorded, event)
        elif type(event) in _OF_ALBUM:
            self._take_album(recorded, event)
        else:
            self._count(event)

    # Albums

    def _take_album(self, recorded: Recorded, event: Any) -> None:
        world = self._world
        match event:
            case AlbumCreated(owner=owner) | AlbumHeld(owner=owner):
                world.publishes(recorded, owner)
                world.may_name(recorded, event.audience)
                at = recorded.recorded_at, UUID(int=recorded.stream.int)
                title = world.say(recorded, event.title)
                album = Album(recorded.stream, owner, title, event.audience, at)
                album.waits = event.how if isinstance(event, AlbumHeld) else None
                world.albums[album.id] = album
                world.deeds[album.id] = Deed(at, "album", owner, made=album)
            case AlbumRefused(owner=owner, title=title):
                world.publishes(recorded, owner)
                world.say(recorded, title)
            case AlbumFlagged():
                must(world.albums[recorded.stream].live, recorded, "it is there")
            case AlbumPhotoCame():
                self._photos[recorded.stream] += 1
            case AlbumPhotoWent():
                self._photos[recorded.stream] -= 1
            case (
                AlbumApproved()
                | AlbumRejected()
                | AlbumUnpublished()
                | AlbumRestored()
                | AlbumTitleApproved()
                | AlbumTitleRejected()
            ):
                self._judge_album(recorded, event, world.albums[recorded.stream])
            case _:
                self._change_album(recorded, event, world.albums[recorded.stream])

    def _change_album(self, recorded: Recorded, event: Any, album: Album) -> None:
        """Its owner changes it."""
        world = self._world
        there = world.goes(album.author, album.taken, live=album.live)
        must(there and album.author == recorded.actor, recorded, "its owner's, and there")
        if isinstance(event, AlbumDeleted):
            world.acts(recorded, album.author)
            album.live, album.waits, album.pending, album.taken = False, None, None, None
            world.deeds.pop(album.id, None)
            return
        world.publishes(recorded, album.author)
        match event:
            case AlbumArranged(arrangement=arrangement):
                self._arrange(recorded, album, arrangement.cover)
            case AlbumRetitled(title=title):
                (album.former if album.published else album.drafts).append(album.title)
                album.title, album.pending = world.say(recorded, title), None
            case AlbumTitleHeld(title=title, how=how):
                must(album.published, recorded, "of what waits, titles do not wait beside it")
                album.pending = world.say(recorded, title), how
            case AlbumAudienceChanged(audience=audience) | AlbumAudienceIntended(audience=audience):
                intended = isinstance(event, AlbumAudienceIntended)
                must(intended is not album.published, recorded, "what waits is for its owner")
                world.may_name(recorded, audience)
                album.to = audience
            case _:
                raise AssertionError(event)

    def _arrange(self, recorded: Recorded, album: Album, cover: UUID | None) -> None:
        """Of what is shown in another way, the cover alone shows."""
        if cover is not None and cover != album.cover:
            photo = self._world.photos[cover]
            must(photo.live and photo.album is album, recorded, "a photo that is in it")
        album.cover = cover

    def _judge_album(self, recorded: Recorded, event: Any, album: Album) -> None:
        at = recorded.recorded_at, UUID(int=album.id.int)
        match event:
            case AlbumApproved(audience=audience):
                same = (album.waits or album.taken == "held") and audience == album.to
                must(bool(same), recorded, "for whom its owner meant it")
                self._bring(album)
                self._world.deeds[album.id] = Deed(at, "album", album.author, made=album)
            case AlbumRestored(audience=audience):
                same = album.taken == "published" and audience == album.to
                must(same, recorded, "what was there comes back as it was")
                self._bring(album)
            case AlbumTitleApproved(title=title):
                opened = self._world.open(title)
                waited = album.pending is not None and album.pending[0] == opened
                must(album.published and waited, recorded, "this title waited")
                album.former.append(album.title)
                album.title, album.pending = opened, None
            case AlbumTitleRejected():
                must(album.pending is not None, recorded, "a title waited")
                album.pending = None
            case _:
                self._take_down(recorded, album, isinstance(event, AlbumRejected))

    # Photos

    def _take_photo(self, recorded: Recorded, event: Any) -> None:
        world = self._world
        match event:
            case PhotoAdded() | PhotoHeld():
                self._add(recorded, event)
            case PhotoRefused(owner=owner, words=words, photo=photo):
                world.publishes(recorded, owner)
                self._say(recorded, words, world.photos.get(photo) if photo else None)
            case PhotoFlagged():
                must(world.photos[recorded.stream].live, recorded, "it is there")
            case (
                PhotoApproved()
                | PhotoRejected()
                | PhotoUnpublished()
                | PhotoRestored()
                | PhotoWordsApproved()
                | PhotoWordsRejected()
            ):
                self._judge_photo(recorded, event, world.photos[recorded.stream])
            case _:
                self._change_photo(recorded, event, world.photos[recorded.stream])

    def _add(self, recorded: Recorded, event: PhotoAdded | PhotoHeld) -> None:
        world, album = self._world, self._world.albums[event.album]
        world.publishes(recorded, event.owner)
        own = album.live and album.author == event.owner
        must(own, recorded, "into an album of one's own that is there")
        must(recorded.stream not in world.photos, recorded, "an upload is one photo, once")
        at = recorded.recorded_at, UUID(int=recorded.stream.int)
        caption, alt = self._say(recorded, event.words, None)
        shown = self.darkroom.words[event.picture.original.digest]
        stored = event.picture.stored
        photo = Photo(recorded.stream, event.owner, album, caption, alt, shown, stored, at)
        photo.waits = event.how if isinstance(event, PhotoHeld) else None
        world.photos[photo.id] = photo
        world.deeds[photo.id] = Deed(at, "photo", photo.author, made=photo)

    def _say(self, recorded: Recorded, words: PhotoWords, known: Photo | None) -> tuple[str, str]:
        """A caption that nobody has said before, and an alternative text that stays."""
        caption = self._world.say(recorded, words.caption)
        if known is not None:
            alt = self._world.open(words.alt)
            must(alt == known.alt, recorded, "what is not named stays")
            return caption, alt
        return caption, self._world.say(recorded, words.alt)

    def _change_photo(self, recorded: Recorded, event: Any, photo: Photo) -> None:
        """Its owner changes it."""
        world = self._world
        live = photo.live and photo.album.live
        own = photo.author == recorded.actor and (live or world.people[photo.author].erased)
        must(own, recorded, "its owner's, and there")
        if isinstance(event, PhotoDeleted):
            world.acts(recorded, photo.author)
            photo.live, photo.waits, photo.pending, photo.taken = False, None, None, None
            world.deeds.pop(photo.id, None)
            return
        world.publishes(recorded, photo.author)
        match event:
            case PhotoPlaced():
                return
            case PhotoMoved(source=source, album=album):
                into = world.albums[album]
                own = into.live and into.author == photo.author and into is not photo.album
                must(own, recorded, "into another album of one's own that is there")
                must(source == photo.album.id, recorded, "from where it was")
                photo.album = into
            case PhotoReworded(words=words):
                (photo.former if photo.published else photo.drafts).append(photo.caption)
                photo.caption, _ = self._say(recorded, words, photo)
                photo.pending = None
            case PhotoWordsHeld(words=words, how=how):
                must(photo.published, recorded, "of what waits, words do not wait beside it")
                photo.pending = self._say(recorded, words, photo)[0], how
            case _:
                raise AssertionError(event)

    def _judge_photo(self, recorded: Recorded, event: Any, photo: Photo) -> None:
        match event:
            case PhotoApproved(waited=waited):
                held = photo.waits is not None if waited else photo.taken == "held"
                must(held, recorded, "it waited, or had when it was rejected")
                self._bring(photo)
                photo.at = recorded.recorded_at, UUID(int=photo.id.int)
                deed = Deed(photo.at, "photo", photo.author, made=photo)
                self._world.deeds[photo.id] = deed
            case PhotoRestored():
                must(photo.taken == "published", recorded, "what was there comes back")
                self._bring(photo)
            case PhotoWordsApproved(words=words):
                caption = self._world.open(words.caption)
                waited = photo.pending is not None and photo.pending[0] == caption
                must(photo.published and waited, recorded, "these words waited")
                photo.former.append(photo.caption)
                photo.caption, photo.pending = caption, None
            case PhotoWordsRejected():
                must(photo.pending is not None, recorded, "words waited")
                photo.pending = None
            case _:
                self._take_down(recorded, photo, isinstance(event, PhotoRejected))

    # Of both

    def _bring(self, one: Album | Photo) -> None:
        one.live, one.waits, one.taken = True, None, None
        self._world.taken_by.pop(one.id, None)

    def _take_down(self, recorded: Recorded, one: Album | Photo, waited: bool) -> None:
        was = one.live and one.waits is not None if waited else one.published
        must(was, recorded, "it waited" if waited else "it was published")
        one.live, one.waits, one.taken = False, None, "held" if waited else "published"
        event: Any = recorded.event
        self._world.taken_by[one.id] = event.decision

    def said(self, recorded: Recorded) -> tuple[str, str] | None:
        """What an event says that was screened, and what became of that."""
        event: Any = recorded.event
        match event:
            case AlbumRetitled(title=title):
                waits = self._world.albums[recorded.stream].waits
                return self._world.open(title), "published" if waits is None else "waits on"
            case AlbumCreated(title=title):
                return self._world.open(title), "published"
            case AlbumHeld(title=title, how=how) | AlbumTitleHeld(title=title, how=how):
                return self._world.open(title), how
            case AlbumRefused(title=title):
                return self._world.open(title), "refused"
            case PhotoReworded(words=words):
                waits = self._world.photos[recorded.stream].waits
                return self._opened(words), "published" if waits is None else "waits on"
            case PhotoAdded(words=words):
                return self._opened(words), "published"
            case PhotoHeld(words=words, how=how) | PhotoWordsHeld(words=words, how=how):
                return self._opened(words), how
            case PhotoRefused(words=words):
                return self._opened(words), "refused"
            case _:
                return None

    def _opened(self, words: PhotoWords) -> str:
        return " ".join(self._world.open(one) for one in (words.caption, words.alt))

    # How much there is

    def _count(self, event: GalleryEvent) -> None:
        match event:
            case GalleryAlbumOpened(owner=owner):
                self._albums[owner] += 1
            case GalleryAlbumClosed(owner=owner, stored=stored):
                self._albums[owner] -= 1
                self._used[owner] -= stored
            case GalleryPhotoAdded(owner=owner, stored=stored):
                self._used[owner] += stored
            case GalleryPhotoRemoved(owner=owner, stored=stored):
                self._used[owner] -= stored

    def standing(self, owner: UUID) -> list[Album]:
        """A member's albums that count: all but those that their owner deleted."""
        albums = (one for one in self._world.albums.values() if one.author == owner)
        return [one for one in albums if one.live or one.taken]

    def standing_in(self, album: Album) -> list[Photo]:
        """The photos of an album that count."""
        photos = (one for one in self._world.photos.values() if one.album is album)
        return [one for one in photos if one.live or one.taken]

    def used(self, owner: UUID) -> int:
        """How many bytes a member's photos take."""
        albums = self.standing(owner)
        return sum(one.stored for album in albums for one in self.standing_in(album))

    def settle(self, command: Sequence[Recorded]) -> None:
        """
        Hold what galleries and albums count, after a command, against what there is.

        :raises Illegal: it is not that, or too much.
        """
        for recorded in command:
            event: Any = recorded.event
            if type(event) not in OF_GALLERY:
                continue
            owner: UUID = event.owner
            albums, used = self.standing(owner), self.used(owner)
            counted = self._albums[owner], self._used[owner]
            must(counted == (len(albums), used), recorded, "galleries count what there is")
            within = len(albums) <= ALBUMS_MAX and used <= QUOTA
            must(within, recorded, "there is no more than there may be")
            for album in albums:
                photos = len(self.standing_in(album))
                same = photos == self._photos[album.id] and photos <= PHOTOS_MAX
                must(same, recorded, "albums count what is in them, and have room for it")


__all__ = ["FLAGGED", "OF_GALLERY", "Galleries"]
