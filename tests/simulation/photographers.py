"""
What members do with albums and photos, and with posts that show some.
"""

import random
from typing import Any, get_args
from uuid import UUID

from commands.albums import ChangeAlbum, CreateAlbum
from commands.photos import AddPhoto, ChangePhoto
from commands.posts import EditPost, PublishShuoshuo
from domain.album_events import Layout
from domain.ids import MemberId, cell_of, mint
from domain.photo import photo_of
from tests.simulation.darkroom import ALBUMS_MAX, PHOTOS_MAX, QUOTA, Darkroom
from tests.simulation.moves import Move, Mover
from tests.simulation.oracle import Oracle
from tests.simulation.server import LoopClock
from tests.simulation.world import Album, Person, Photo


class Photographers(Mover):
    """
    Thinks of these moves.

    :param darkroom: where uploads arrive; only how much of them there is is of interest here.
    """

    def __init__(
        self,
        world: Oracle,
        chance: random.Random,
        darkroom: Darkroom,
        clock: LoopClock,
        wary: float,
    ) -> None:
        super().__init__(world, chance, clock, wary)
        self._oracle = world
        self._darkroom = darkroom
        #: No other move's texts begin with so many words.
        self._words = 2_000_000
        self._uploads: list[tuple[UUID, UUID]] = []
        self._weighted = [
            *[self._create] * 3,
            *[self._add] * 9,
            *[self._alter] * 4,
            *[self._show] * 5,
            *[self._cover] * 2,
            *[self._reword_photo, self._move_photo] * 2,
            *[self._show_otherwise, self._delete_photo] * 2,
            self._delete_album,
        ]

    # What there is to choose from

    def _unique(self) -> str:
        """A word that nobody has said before, and no rule looks for."""
        self._words += 1
        return f"w{self._words}ends"

    def _album(self, whose: UUID | None) -> Album | None:
        found = [one for one in self._world.albums.values() if whose is None or one.author == whose]
        return self._chance.choice(found[-6:]) if found else None

    def _photo(self, whose: UUID | None) -> Photo | None:
        found = [one for one in self._world.photos.values() if whose is None or one.author == whose]
        return self._chance.choice(found[-12:]) if found else None

    def _whose(self, actor: Person) -> UUID | None:
        """Mostly one's own."""
        return self._chance.choice([actor.id, actor.id, actor.id, actor.id, None])

    @staticmethod
    def _has(actor: Person, album: Album) -> bool:
        return album.live and album.author == actor.id

    def _owns(self, actor: Person, photo: Photo) -> bool:
        return photo.live and photo.album.live and photo.author == actor.id

    def _fits(self, album: Album) -> bool:
        return len(self._oracle.galleries.standing_in(album)) < PHOTOS_MAX

    # Albums

    def _create(self, actor: Person) -> Move:
        audience, can = self._audience(actor)
        text = self._text()
        room = len(self._oracle.galleries.standing(actor.id)) < ALBUMS_MAX
        body = CreateAlbum(text, audience)
        return self._says(actor, "create_album", can and room, body=body, text=text)

    def _alter(self, actor: Person) -> Move | None:
        album = self._album(self._whose(actor))
        if album is None:
            return None
        may, path = self._has(actor, album), {"id": album.id}
        if self._chance.random() < 0.4:
            text = self._text()
            layout: Layout = self._chance.choice(get_args(Layout))
            body = ChangeAlbum(title=text, layout=layout)
            return self._says(actor, "change_album", may, path=path, body=body, text=text)
        audience, can = self._audience(actor)
        may = may and can and actor.publishes
        body = ChangeAlbum(audience=audience)
        return self._move(actor, "change_album", may, path=path, body=body)

    def _cover(self, actor: Person) -> Move | None:
        photo = self._photo(self._whose(actor))
        if photo is None:
            return None
        # Now and then one that is in another album.
        album = self._album(self._whose(actor)) if self._chance.random() < 0.1 else photo.album
        if album is None:
            return None
        may = self._owns(actor, photo) and self._has(actor, album) and photo.album is album
        body = ChangeAlbum(cover=photo.id)
        may = may and actor.publishes
        return self._move(actor, "change_album", may, path={"id": album.id}, body=body)

    def _delete_album(self, actor: Person) -> Move | None:
        album = self._album(self._whose(actor))
        if album is None:
            return None
        may = album.author == actor.id and album.taken is None
        return self._move(actor, "delete_album", may, path={"id": album.id})

    # Photos

    def _add(self, actor: Person) -> Move | None:
        album = self._album(self._whose(actor))
        if album is None:
            return None
        mine = [upload for member, upload in self._uploads if member == actor.id]
        again = [one for one in mine if photo_of(MemberId(actor.id), one) in self._world.photos]
        if again and self._chance.random() < 0.15:
            # Once more what is a photo already: nothing is added, wherever it was to be.
            body = AddPhoto(self._chance.choice(again), self._text(), self._unique())
            path = {"id": album.id}
            return self._move(actor, "add_photo", actor.publishes, path=path, body=body)
        upload = self._upload(actor)
        text, alt = self._text(), self._unique()
        used = self._oracle.galleries.used(actor.id)
        room = used + self._darkroom.size(actor.id, upload) <= QUOTA and self._fits(album)
        may = self._has(actor, album) and room
        body = AddPhoto(upload, text, alt)
        path = {"id": album.id}
        return self._says(actor, "add_photo", may, path=path, body=body, text=text)

    def _upload(self, actor: Person) -> UUID:
        at = int(self._clock.now().timestamp() * 1_000)
        upload = mint(at, cell_of(actor.id), self._chance.getrandbits(62))
        self._darkroom.upload(actor.id, upload, self._unique(), self._chance.randint(17, 100))
        self._uploads.append((actor.id, upload))
        return upload

    def _reword_photo(self, actor: Person) -> Move | None:
        photo = self._photo(self._whose(actor))
        if photo is None:
            return None
        text, may = self._text(), self._owns(actor, photo)
        path, body = {"id": photo.id}, ChangePhoto(caption=text)
        return self._says(actor, "change_photo", may, path=path, body=body, text=text)

    def _move_photo(self, actor: Person) -> Move | None:
        photo, album = self._photo(self._whose(actor)), self._album(self._whose(actor))
        if photo is None or album is None:
            return None
        may = self._owns(actor, photo) and self._has(actor, album) and actor.publishes
        may = may and (album is photo.album or self._fits(album))
        body = ChangePhoto(album=album.id)
        return self._move(actor, "change_photo", may, path={"id": photo.id}, body=body)

    def _delete_photo(self, actor: Person) -> Move | None:
        photo = self._photo(self._whose(actor))
        if photo is None:
            return None
        deleted = not photo.live and photo.taken is None and photo.author == actor.id
        may = deleted or self._owns(actor, photo)
        return self._move(actor, "delete_photo", may, path={"id": photo.id})

    # Posts

    def _images(self, actor: Person) -> tuple[list[UUID], bool]:
        """One or two photos, mostly one's own; and whether a post of the actor's may show them."""
        photos = [self._photo(self._whose(actor)) for _ in range(self._chance.randint(1, 2))]
        found = {one.id: one for one in photos if one is not None}
        may = all(
            one.author == actor.id and one.published and one.album.live for one in found.values()
        )
        return list(found), may

    def _show(self, actor: Person) -> Move | None:
        images, may = self._images(actor)
        if not images:
            return None
        audience, can = self._audience(actor)
        text = self._text()
        body: Any = PublishShuoshuo(text, audience, images=images)
        return self._says(actor, "publish_post", can and may, body=body, text=text)

    def _show_otherwise(self, actor: Person) -> Move | None:
        piece = self._piece(self._whose(actor))
        images, may = self._images(actor)
        if piece is None or not images or piece.original is not None or piece.poll is not None:
            return None
        text = self._text()
        may = may and piece.live and piece.author == actor.id
        body = EditPost(text, images=images)
        return self._says(actor, "edit_post", may, path={"id": piece.id}, body=body, text=text)
