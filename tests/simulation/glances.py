"""
What a reader may come across while it reads.

A read takes several statements, each true of its own moment, and the world moves on between them.
The promise is that what was withdrawn before a read began is not in it. So from a read's beginning
to its end a glance gathers, fact by fact, what held at any of its moments; whatever is shown must
be allowed by those. Nothing that a whole window forbids is ever excused.
"""

import re
from collections.abc import Callable, Hashable, Iterable
from uuid import UUID

from domain.audience import Audience, Friends, Listed, Public
from tests.simulation.world import Difference, Piece, World

WORD = re.compile(rb"w\d+ends")


class Glance:
    """
    One viewer's look at the world, from when it is made until it is dropped.

    :param listing: what the viewer walks through; ``kept`` is what was there all the time.
    """

    def __init__(
        self,
        world: World,
        viewer: UUID,
        listing: Callable[[], Iterable[Hashable]] | None = None,
    ) -> None:
        self.world = world
        self.viewer = viewer
        self.began = world.commits
        self._listing = listing
        self.kept: set[Hashable] | None = None
        self._apart: set[UUID] | None = None
        self._barred = True
        self._mine: dict[UUID, set[UUID]] = {}
        self._theirs: dict[UUID, set[UUID]] = {}
        self._on: set[UUID] = set()
        self._audiences: dict[UUID, list[Audience]] = {}
        self._remarks: set[UUID] = set()
        self._notes: set[UUID] = set()
        self._shelves: dict[UUID, list[Audience]] = {}
        self._frames: dict[UUID, set[UUID]] = {}
        self._boards: dict[UUID, set[str]] = {}
        self._places: dict[str, object] = {}
        #: What stood in one place first, and then in another: a walk may miss it, or meet it twice.
        self.moved: set[Hashable] = set()
        self.again()

    @property
    def still(self) -> bool:
        """Whether nothing was committed since."""
        return self.world.commits == self.began

    def again(self) -> None:
        """Take in what holds now."""
        world, viewer = self.world, self.viewer
        others = [one for one in world.people if one != viewer]
        apart = {one for one in others if world.apart(viewer, one)}
        self._apart = apart if self._apart is None else self._apart & apart
        self._barred &= world.people[viewer].barred is not None
        for other in others:
            if (bond := world.offered(viewer, other)) is not None:
                self._mine.setdefault(other, set()).add(bond)
            if (bond := world.offered(other, viewer)) is not None:
                self._theirs.setdefault(other, set()).add(bond)
        self._on |= {which for which, (_, _, on) in world.lists.items() if viewer in on}
        for piece in world.pieces.values():
            if piece.live:
                self._find(piece)
                held = self._audiences.setdefault(piece.id, [])
                if not held or held[-1] != piece.seen_by:
                    held.append(piece.seen_by)
                self._remarks |= {
                    one.id
                    for one in piece.remarks.values()
                    if one.live and (one.published or one.author == viewer)
                }
        self._take_in_photos()
        for note in world.notes.values():
            if self._places.setdefault(str(note.id), note.at) != note.at:
                self.moved.add(str(note.id))
            if note.live and (note.published or note.author == viewer):
                self._notes.add(note.id)
        for owner in world.people:
            whom = world.privacy.get((owner, "messages"), "public")
            self._boards.setdefault(owner, set()).add(whom)
        if self._listing is not None:
            now = set(self._listing())
            self.kept = now if self.kept is None else self.kept & now

    def _take_in_photos(self) -> None:
        world = self.world
        for album in world.albums.values():
            if album.live:
                self._shelves.setdefault(album.id, []).append(album.seen_by)
        for photo in world.photos.values():
            if self._places.setdefault(str(photo.id), (photo.at, photo.album.id)) != (
                photo.at,
                photo.album.id,
            ):
                self.moved.add(str(photo.id))
            there = photo.published or (photo.live and photo.author == self.viewer)
            if there and photo.album.live:
                self._frames.setdefault(photo.id, set()).add(photo.album.id)

    def _find(self, piece: Piece) -> None:
        """Note where something stands."""
        places = {str(one.id): one.at for one in piece.remarks.values()}
        for name, at in {str(piece.id): piece.at, **places}.items():
            if self._places.setdefault(name, at) != at:
                self.moved.add(name)

    def check(self, said: bytes, where: str) -> None:
        """
        Hold what was shown against what may be.

        :raises Difference: it shows a text that nothing in all the time allowed.
        """
        shown = set(WORD.findall(said))
        if shown and (leaked := shown - self._words()):
            raise Difference(f"{where} shows {sorted(leaked)} to {self.viewer}")

    def _words(self) -> set[bytes]:
        if self._barred:
            return set()
        assert self._apart is not None
        words: set[bytes] = set()
        for post, audiences in self._audiences.items():
            piece = self.world.pieces[post]
            own = piece.author == self.viewer
            if not own and (
                piece.author in self._apart
                or not any(self._is_for(piece.author, one) for one in audiences)
            ):
                continue
            drafts = piece.drafts if own else ()
            asked = () if piece.poll is None else piece.poll.options
            for text in (piece.text, *asked, *piece.former, *drafts):
                words.update(WORD.findall(text.encode()))
            for photo in piece.ever_shown:
                if photo.id in self._frames:
                    words.update(WORD.findall(f"{photo.alt} {photo.shown}".encode()))
            for remark in piece.remarks.values():
                if remark.id in self._remarks and remark.author not in self._apart:
                    words.update(WORD.findall(remark.text.encode()))
        return words | self._noted() | self._exhibited()

    def _exhibited(self) -> set[bytes]:
        """What may be met in albums."""
        assert self._apart is not None
        words: set[bytes] = set()
        there: set[UUID] = set()
        for which, audiences in self._shelves.items():
            album = self.world.albums[which]
            own = album.author == self.viewer
            for_viewer = any(self._is_for(album.author, one) for one in audiences)
            if own or (album.author not in self._apart and for_viewer):
                there.add(which)
                for text in (album.title, *album.former, *(album.drafts if own else ())):
                    words.update(WORD.findall(text.encode()))
        for one, albums in self._frames.items():
            if albums & there:
                photo = self.world.photos[one]
                drafts = photo.drafts if photo.author == self.viewer else ()
                for text in (photo.caption, photo.alt, photo.shown, *photo.former, *drafts):
                    words.update(WORD.findall(text.encode()))
        return words

    def _noted(self) -> set[bytes]:
        """What messages may be met on boards."""
        assert self._apart is not None
        words: set[bytes] = set()
        for note in (self.world.notes[one] for one in self._notes):
            if note.author in self._apart or not self._opens(note.space):
                continue
            words.update(WORD.findall(note.text.encode()))
        return words

    def _opens(self, owner: UUID) -> bool:
        """Whether a board was there for the viewer at some moment."""
        if owner == self.viewer:
            return True
        assert self._apart is not None
        said: dict[str, Audience] = {"public": Public(), "friends": Friends()}
        audiences = [said[whom] for whom in self._boards[owner] if whom in said]
        return owner not in self._apart and any(self._is_for(owner, one) for one in audiences)

    def _is_for(self, author: UUID, audience: Audience) -> bool:
        match audience:
            case Public():
                return True
            case Friends():
                mine, theirs = self._mine.get(author, set()), self._theirs.get(author, set())
                return bool(mine & theirs)
            case Listed(members=members, named=None):
                return self.viewer in members
            case Listed(named=named):
                return named in self._on
            case _:
                return False
