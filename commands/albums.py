"""
Commands about albums: make, change, delete. Who may see an album may see what is in it.
"""

from typing import Any
from uuid import UUID

import msgspec

from commands.audiences import chosen_audience
from commands.copies import Copied
from commands.directory import Directory
from commands.exhibits import check_version, own_album, waits_as
from commands.referrals import changed, nothing_to_decide, published_as
from commands.relations import acting_member, check_id, publishing_member
from commands.retentions import retain
from commands.types import AlbumTitle, AudienceChoice, Precondition
from commands.work import Outcome, Work
from domain import album as decisions
from domain import gallery as galleries
from domain.album import ALBUM, Album, AnyAlbum, DeletedAlbum, NoAlbum, album_stream
from domain.album_events import AlbumRefused, Arrangement, Layout, Sort
from domain.case_events import Subject
from domain.event import Refused
from domain.exhibit import Down
from domain.gallery import GALLERY, gallery_stream
from domain.ids import AlbumId, MemberId, PhotoId, cell_of
from domain.photo import PHOTO, Photo, photo_stream
from domain.sealed import KeyClass, Sealed


class CreateAlbum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An album; ``sort`` is the order of its photos, ``slideshow`` that of its slideshow."""

    title: AlbumTitle
    audience: AudienceChoice
    layout: Layout = "grid"
    sort: Sort = "newest"
    slideshow: Sort = "oldest"


class ChangeAlbum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Change what is named; ``cover`` is a photo in the album, null for none chosen."""

    title: AlbumTitle | msgspec.UnsetType = msgspec.UNSET
    audience: AudienceChoice | msgspec.UnsetType = msgspec.UNSET
    layout: Layout | msgspec.UnsetType = msgspec.UNSET
    sort: Sort | msgspec.UnsetType = msgspec.UNSET
    slideshow: Sort | msgspec.UnsetType = msgspec.UNSET
    cover: UUID | msgspec.UnsetType | None = msgspec.UNSET


class AlbumHandlers:
    """The handlers, over the directory of numbers."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def create(
        self, command: CreateAlbum, work: Work, *, copied: Copied | None = None
    ) -> Outcome:
        """Make an album; one from a copy, once."""
        owner = await publishing_member(work)
        cell = cell_of(owner)
        audience = await chosen_audience(
            work, self._directory, owner, command.audience, "/audience"
        )
        arrangement = Arrangement(command.layout, command.sort, command.slideshow)
        found = await work.screen(cell, {"title": command.title})
        album, at = AlbumId(work.mint(cell)), None
        if copied is not None:
            album, at = AlbumId(copied.here("album", owner)), copied.at(work.context.effective_at)
        stream, gallery = album_stream(album), gallery_stream(owner, cell)
        if copied is None:
            work.fresh(ALBUM, stream)
        else:
            before: AnyAlbum = await work.load(ALBUM, stream)
            if not isinstance(before, NoAlbum):
                raise Refused("already-published")
        seal = work.vault.seal
        title: Sealed[str] = await seal(owner, KeyClass.CONTENT, command.title, album)
        opened = galleries.open_album(await work.load(GALLERY, gallery), owner, album)
        events = decisions.create(owner, title, audience, arrangement, found, at)
        work.append(ALBUM, stream, owner, events)
        if not isinstance(events[0], AlbumRefused):
            work.append(GALLERY, gallery, owner, opened)
        subject = Subject("album", album, owner)
        state, refused = await published_as(work, subject, found, len(events))
        made = work.version(stream) + 1
        return Outcome(album, (stream, made), state=state, status=201, refused=refused)

    async def change(
        self,
        album: AlbumId,
        command: ChangeAlbum,
        work: Work,
        *,
        admits: Precondition | None = None,
    ) -> Outcome:
        """Change what an album is called, whom it is for, and how it is shown."""
        owner = await publishing_member(work)
        current = await own_album(work, owner, album)
        check_version(current.since, admits)
        stream, subject = album_stream(album), Subject("album", album, owner)
        arrangement = await _arrangement(work, current, album, command)
        events: list[Any] = list(decisions.arrange(current, arrangement))
        if command.audience is not msgspec.UNSET:
            audience = await chosen_audience(
                work, self._directory, owner, command.audience, "/audience"
            )
            events += decisions.change_audience(current, audience)
        title = command.title
        if title is not msgspec.UNSET and title != work.vault.open(current.title):
            found = await work.screen(cell_of(owner), {"title": title})
            sealed: Sealed[str] = await work.vault.seal(owner, KeyClass.CONTENT, title, album)
            version = work.version(stream)
            if found is not None and found.outcome == "refused":
                attempt = album_stream(AlbumId(work.mint(cell_of(owner))))
                work.fresh(ALBUM, attempt)
                refusal = AlbumRefused(owner, sealed, found.screening, album)
                work.append(ALBUM, attempt, owner, (refusal,))
                _, refused = await published_as(work, subject, found, version)
                return Outcome(album, (attempt, 1), refused=refused)
            events += decisions.retitle(current, sealed, found)
            version += len(events)
            await published_as(work, subject, found, version, edit=True)
            settled = found is None and current.pending is not None
            if not (settled and await nothing_to_decide(work, subject, "replaced", {"edit_held"})):
                await changed(work, subject, found, version)
        work.append(ALBUM, stream, owner, events)
        made = work.version(stream) + len(events) if events else current.since
        return Outcome(album, (stream, made), state=waits_as(current.standing))

    async def delete(
        self, album: AlbumId, work: Work, *, admits: Precondition | None = None
    ) -> Outcome:
        """Take an album away, with all that is in it."""
        owner = await acting_member(work)
        check_id(work, album)
        stream = album_stream(album)
        state = await work.load(ALBUM, stream)
        if isinstance(state, DeletedAlbum) and state.owner == owner:
            return Outcome(album, (stream, state.since), state="deleted")
        current = await own_album(work, owner, album)
        check_version(current.since, admits)
        gallery = gallery_stream(owner, cell_of(owner))
        await work.load(GALLERY, gallery)
        work.append(ALBUM, stream, owner, decisions.delete(current))
        closed = galleries.GalleryAlbumClosed(owner, album, current.stored)
        work.append(GALLERY, gallery, owner, (closed,))
        await retain(work, owner, "album", album)
        await nothing_to_decide(work, Subject("album", album, owner), "deleted")
        return Outcome(album, (stream, work.version(stream) + 1), state="deleted")


async def _arrangement(
    work: Work, current: Album, album: AlbumId, command: ChangeAlbum
) -> Arrangement:
    """How it is to be shown."""
    changes = {
        name: value
        for name in ("layout", "sort", "slideshow")
        if (value := getattr(command, name)) is not msgspec.UNSET
    }
    if command.cover is not msgspec.UNSET:
        cover = command.cover
        if cover is not None:
            await _check_cover(work, current.owner, album, PhotoId(cover))
        changes["cover"] = cover
    return msgspec.structs.replace(current.arrangement, **changes)


async def _check_cover(work: Work, owner: MemberId, album: AlbumId, cover: PhotoId) -> None:
    check_id(work, cover, "no-such-photo", "/cover")
    photo = await work.load(PHOTO, photo_stream(cover))
    if (
        not isinstance(photo, Photo)
        or (photo.owner, photo.album) != (owner, album)
        or isinstance(photo.standing, Down)
    ):
        raise Refused("no-such-photo", "There is no such photo in this album.", "/cover")
