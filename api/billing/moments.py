"""
The books at a moment: sums of whole stretches of the log, and the events after those.

For each cell it costs a sum over the accounts of each stretch of 1,024 positions, and at most so
many events read from the log, of those that post.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date

import msgspec

from api.http.problems import NOT_YET, ProblemError
from api.services import Services
from domain.event import Recorded
from domain.recognition import Step, earned_by
from projections.postings import POSTING
from projections.reading import books
from projections.turnovers import STRETCH, booked, rates

_SECONDS_MAX = 5.0


class Sums(msgspec.Struct):
    """
    ``turnovers`` are debit and credit by (month, account, commodity); ``rates`` is by segment how
    the fen change that it earns a day.
    """

    turnovers: dict[tuple[str, str, str], tuple[int, int]] = {}
    rates: dict[str, Counter[date]] = {}

    def post(self, month: str, account: str, commodity: str, debit: int, credit: int) -> None:
        """Add to both sides of an account."""
        where = (month, account, commodity)
        before = self.turnovers.get(where, (0, 0))
        self.turnovers[where] = (before[0] + debit, before[1] + credit)

    def change(self, segment: str, day: date, fen: int) -> None:
        """From a day on, a segment earns so many fen more a day."""
        self.rates.setdefault(segment, Counter())[day] += fen

    def accounts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """All that was posted to both sides of each account, by name."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for (_, account, commodity), (debit, credit) in self.turnovers.items():
            before = found.get((account, commodity), (0, 0))
            found[account, commodity] = (before[0] + debit, before[1] + credit)
        return dict(sorted(found.items()))

    def earned(self, segment: str, until: date) -> int:
        """What a segment's days have earned before a day begins, in fen."""
        changes = self.rates.get(segment, Counter())
        return earned_by(tuple(Step(*one) for one in changes.items()), until)


async def sums_at(app: Services, at: Mapping[int, int]) -> Sums:
    """
    What the books say at some positions; a cell that is not named has said nothing.

    :raises ProblemError: the read model has not come that far, and did not in time.
    """
    heads = await app.log.heads()
    until = {cell: min(position, heads.get(cell, 0)) for cell, position in at.items()}
    whole = {cell: position // STRETCH for cell, position in until.items()}
    fed = {cell: stretch * STRETCH for cell, stretch in whole.items()}
    try:
        await app.freshness.wait_for(fed, _SECONDS_MAX, ("ledger",))
    except TimeoutError:
        raise ProblemError(NOT_YET) from None
    sums = Sums()
    for one in await app.look(books.turnovers, whole):
        sums.post(one.month, one.account, one.commodity, one.debit, one.credit)
    for rate in await app.look(books.rates, whole):
        sums.change(rate.segment, rate.day, rate.fen)
    for cell, position in until.items():
        if fed[cell] < position:
            for recorded in await app.log.read(cell, fed[cell], STRETCH, position, POSTING):
                add(sums, recorded)
    return sums


def add(sums: Sums, recorded: Recorded) -> None:
    """What one event posts."""
    made = booked(recorded)
    if made is None:
        return
    for one in made.entry.postings:
        sums.post(made.month, one.account, one.commodity, one.debit, one.credit)
        for segment, day, fen in rates(one):
            sums.change(segment, day, fen)
