"""
When money is earned that was paid for days: a membership's price is revenue day by day.

The days are China's calendar days, as in the books. An amount is cut into whole fen by largest
remainder: every day gets the same, and the fen left over go to the earliest days, one each. So the
parts sum exactly to the whole; and what is left from any day on, spread over the days that are
left, falls on each of them as before. A refund of unused days is thus the same amount with the
other sign over the term that is left, and takes back exactly what had not been earned.
"""

from datetime import date, timedelta

import msgspec


class Term(msgspec.Struct, frozen=True):
    """
    The days that something was paid for.

    :param first: the first of them.
    :param after: the day after the last, so that one term begins where another ends.
    """

    first: date
    after: date

    def __post_init__(self) -> None:
        """A term has a day at least."""
        if self.after <= self.first:
            raise ValueError("a term without a day")

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.after - self.first).days

    def left(self, day: date) -> "Term | None":
        """The days from one on; None when there are none left."""
        if day >= self.after:
            return None
        return Term(max(day, self.first), self.after)


class Step(msgspec.Struct, frozen=True):
    """A change of what is earned a day: from a day on, so many fen more."""

    day: date
    fen: int


def spread(amount: int, first: date, after: date) -> tuple[int, ...]:
    """
    What of an amount falls on each day from the first to before the last; sums to it exactly.

    :param amount: in fen; negative where it is taken back.
    """
    term = Term(first, after)
    return tuple(
        earned(amount, term, first + timedelta(days=day + 1))
        - earned(amount, term, first + timedelta(days=day))
        for day in range(term.days)
    )


def earned(amount: int, term: Term, until: date) -> int:
    """What of an amount is earned before a day begins: nothing at first, all of it in the end."""
    passed = min(max((until - term.first).days, 0), term.days)
    return amount - unearned(amount, term.days, passed)


def unearned(amount: int, days: int, passed: int) -> int:
    """What of an amount so many days have still to earn when some of them have passed."""
    if amount < 0:
        return -unearned(-amount, days, passed)
    each, over = divmod(amount, days)
    return each * (days - passed) + max(over - passed, 0)


def deferred(amount: int, term: Term, until: date) -> int:
    """What of it is not earned yet when a day begins; together with what is, all of it."""
    return amount - earned(amount, term, until)


def steps(amount: int, term: Term) -> tuple[Step, ...]:
    """
    The same as changes of a daily rate, three at most however long the term. Those of many amounts
    may be added up day by day, and what all of them have earned is still exact.
    """
    sign = -1 if amount < 0 else 1
    each, over = divmod(abs(amount), term.days)
    changes = (
        Step(term.first, sign * (each + (1 if over else 0))),
        Step(term.first + timedelta(days=over), -sign if over else 0),
        Step(term.after, -sign * each),
    )
    return tuple(step for step in changes if step.fen)


def earned_by(rates: tuple[Step, ...], until: date) -> int:
    """What steps have earned before a day begins."""
    return sum(step.fen * (until - step.day).days for step in rates if step.day < until)
