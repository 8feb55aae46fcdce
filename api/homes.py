"""
What clients receive of a home page beside its posts, and how views become it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from api.answers import Author, Presenter, Space
from api.http.answers import encode_json
from commands.types import Moment
from domain.home import SECTIONS, For, Home, Section, Writers
from domain.looks import Look, Module
from projections.reading.homes import HomeView
from projections.reading.messages import MessageView
from projections.reading.people import MemberView
from projections.reading.posts import PostView
from projections.reading.visits import Seen, VisitCounts, VisitorView


class HomeModule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A module of a home page; without a ``name`` it has the house's."""

    module: Module
    name: str | None = None


class VisitTotals(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    How many visits a space had, ever and today in China (UTC+8); and, for its owner alone, how many
    members made them, of those whom the owner may know of.
    """

    total: int
    today: int
    visitors: int | None = None


class LatestVisitor(msgspec.Struct, frozen=True):
    """Who was in a space, and when last."""

    member: Author
    visited_at: Moment


class Visitor(msgspec.Struct, frozen=True):
    """Who was in your space, when last, and how often."""

    member: Author
    visited_at: Moment
    times: int


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A message on a board. ``thread`` is the message that began its thread, itself when it did;
    ``state`` is other than ``published`` for its author alone, while it waits.
    """

    id: UUID
    author: Author
    text: str | None
    thread: UUID
    reply_to: UUID | None
    written_at: Moment
    position: str
    state: Literal["published", "held", "private_view"]


class HomePage(Space, frozen=True, omit_defaults=True, kw_only=True):
    """
    A member's home page, as its viewer may see it. What is not for them is not there: neither the
    module nor what would be in it. ``may_write`` says whether they may write on the board.
    """

    modules: list[HomeModule]
    may_write: bool
    visits: VisitTotals | None = None
    visitors: list[LatestVisitor] | None = None
    messages: list[Message] | None = None


class HomeSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    How you arranged your home page: its modules in their order, for whom each section is, and who
    may write on the board.
    """

    modules: list[HomeModule]
    privacy: dict[Section, For]
    board: Writers
    position: str | None = None


V = TypeVar("V", Seen, MessageView)


class HomePresenter(Presenter):
    """Turns views of home pages into answers for one viewer."""

    def home_page(
        self, view: MemberView, posts: list[PostView], home: HomeView, look: Look, today: int
    ) -> HomePage:
        """A home page."""
        space = msgspec.structs.asdict(self.space(view, posts, look))
        own = view.profile.member == self._viewer
        visits, seen, said = home.visits, home.visitors, home.messages
        return HomePage(
            **space,
            modules=[one for one in self._modules(home.home, look) if _is_open(one, home)],
            may_write=home.may_write,
            visits=None if visits is None else _totals(visits, today, own=own),
            visitors=None if seen is None else self._each(seen, self._latest),
            messages=None if said is None else self._each(said, self.message),
        )

    def _each(self, views: Sequence[V], present: Callable[[V], Any]) -> list[Any]:
        """Views as answers, each as it was shown before wherever it is the same."""
        shown = self._shown
        return [
            (shown.get(view) or shown.hold(view, encode_json(present(view))))
            if view.lasting
            else present(view)
            for view in views
        ]

    def settings(self, home: Home, look: Look, position: str | None) -> HomeSettings:
        """How a page is arranged, for its owner."""
        every: dict[Section, For] = dict.fromkeys(SECTIONS, "public")
        privacy = {**every, **home.privacy}
        return HomeSettings(self._modules(home, look), privacy, home.writers, position)

    def message(self, view: MessageView) -> Message:
        """A message."""
        return Message(
            id=view.message,
            author=self.author(view.author),
            text=self._open(view.text),
            thread=view.thread,
            reply_to=view.reply_to,
            written_at=view.written_at,
            position=f"{view.cell}-{view.position}",
            state=view.waits or "published",  # type: ignore[arg-type]
        )

    def visitor(self, view: VisitorView) -> Visitor:
        """A visitor, for the owner of the space."""
        return Visitor(self.author(view.visitor), view.visited_at, view.times)

    def _latest(self, view: Seen) -> LatestVisitor:
        return LatestVisitor(self.author(view.visitor), view.visited_at)

    def _modules(self, home: Home, look: Look) -> list[HomeModule]:
        names = home.names
        return [
            HomeModule(one, self._open(names[one].envelope) if one in names else None)
            for one in look.modules
        ]


def _is_open(one: HomeModule, home: HomeView) -> bool:
    return one.module in home.open or one.module not in SECTIONS


def _totals(counts: VisitCounts, today: int, *, own: bool) -> VisitTotals:
    return VisitTotals(counts.total, counts.on(today), counts.visitors if own else None)
