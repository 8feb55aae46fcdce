"""
What tests of memberships have in common: Anna's yellow, her wallet, and time that passes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain import membership_moves as decisions
from domain.event import Refused
from domain.ids import OrderId, mint
from domain.membership import MEMBERSHIP
from domain.membership_course import Course, advance
from domain.membership_events import MembershipEvent
from domain.membership_periods import Period
from domain.membership_states import (
    Membership,
    NeverHad,
    footing,
    growth,
    has_benefits,
    running,
)
from domain.wallet import WALLET, Wallet
from domain.wallet_events import WalletEvent
from tests.domain.coins import NOON, bought
from tests.domain.people import ANNA


class Story:
    """
    A membership as it is lived: what is done, when, and what came of it.

    ``events`` and ``moved`` are all that happened, to the membership and in the wallet; ``gone``
    is whether its member's account was closed.
    """

    def __init__(self, coins: int = 100) -> None:
        self.membership: Membership = NeverHad()
        self.wallet = Wallet()
        self.events: list[MembershipEvent] = []
        self.moved: list[WalletEvent] = []
        self.gone = False
        self._count = 0
        if coins:
            self.top_up(coins)

    def number(self) -> int:
        self._count += 1
        return self._count

    def top_up(self, coins: int, at: datetime = NOON) -> None:
        """Coins come in."""
        self._keep([], [bought(self.number(), coins, at=at)])

    def when(
        self, decide: Callable[..., None], *arguments: Any, at: datetime = NOON
    ) -> list[MembershipEvent]:
        """Something is decided, after what was due; the events that it came to."""
        course = Course(ANNA, "yellow", self.membership, self.wallet)
        if self.gone:
            decisions.close(course, at)
        else:
            advance(course, at)
        decide(course, *arguments, at)
        self._keep(course.events, course.moved)
        return course.events

    def until(self, at: datetime) -> list[MembershipEvent]:
        """Time passes, and what is due happens."""
        return self.when(lambda course, at: None, at=at)

    def closed(self, at: datetime) -> list[MembershipEvent]:
        """Time passes, and the member's account was closed."""
        self.gone = True
        return self.until(at)

    def have(self, months: int, at: datetime = NOON) -> list[MembershipEvent]:
        """Anna wants terms of so many months."""
        return self.when(decisions.subscribe, self.id(), months, at=at)

    def refused(
        self, decide: Callable[..., None], *arguments: Any, at: datetime = NOON
    ) -> tuple[str, str | None]:
        """Something is refused, and nothing happens."""
        try:
            events = self.when(decide, *arguments, at=at)
        except Refused as no:
            return no.problem, no.field
        raise AssertionError(f"not refused: {events}")

    def id(self) -> OrderId:
        """A new name for what is paid."""
        return OrderId(mint(1_790_000_800_000, 1, self.number()))

    def _keep(self, events: list[MembershipEvent], moved: list[WalletEvent]) -> None:
        for event in events:
            self.events.append(event)
            self.membership = MEMBERSHIP.evolve(self.membership, event, len(self.events))
            assert event.after == footing(self.membership), "what an event says is what it folds to"
        self.wallet = WALLET.fold(moved, self.wallet)
        self.moved += moved

    # What is so

    @property
    def state(self) -> str:
        return footing(self.membership).state

    @property
    def periods(self) -> tuple[Period, ...]:
        return running(self.membership)

    def coins(self, at: datetime = NOON) -> int:
        return self.wallet.balance(at)

    def benefits(self, at: datetime) -> bool:
        return has_benefits(self.membership, at)

    def points(self, at: datetime) -> int:
        return growth(self.membership, at)


def kinds(events: list[MembershipEvent]) -> list[str]:
    """What happened, in short."""
    return [type(one).__name__ for one in events]
