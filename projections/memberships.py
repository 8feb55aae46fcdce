"""
Memberships as each stands, and the periods that were paid. Written inline: what a membership gives
is given and withdrawn at the commit of whatever changed it.

A period's row says what it took, from when until when; and where it was cut, when, and what of that
was kept.
"""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text, Uuid

from domain.event import Recorded
from domain.membership_events import (
    MembershipEvent,
    MembershipPaused,
    MembershipResumed,
    MonthsPaid,
    TrialStarted,
    UnusedDaysRefunded,
)
from domain.membership_periods import Cut, Period
from projections.rows import Change, Patch, Put
from projections.tables import METADATA, MOMENT, cell, key

MEMBERSHIPS = Table(
    "memberships",
    METADATA,
    cell(),
    key("member"),
    Column("plan", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("months", Integer, nullable=False),
    Column("renews", Boolean, nullable=False),
    Column("until", MOMENT),
    Column("benefits_until", MOMENT),
    Column("points", BigInteger, nullable=False),
    Column("policy", Integer, nullable=False),
    Column("lapsed_at", MOMENT),
    Column("changed_at", MOMENT, nullable=False),
    Column("position", BigInteger, nullable=False),
)

PERIODS = Table(
    "membership_periods",
    METADATA,
    cell(),
    key("member"),
    key("period"),
    Column("plan", Text, nullable=False),
    Column("charge", Uuid, nullable=False),
    Column("since", MOMENT, nullable=False),
    Column("until", MOMENT, nullable=False),
    Column("months", Integer, nullable=False),
    Column("daily", Integer, nullable=False),
    Column("coins", BigInteger, nullable=False),
    Column("fen", BigInteger, nullable=False),
    Column("cut_at", MOMENT),
    Column("kept_coins", BigInteger),
    Column("kept_fen", BigInteger),
)


class Memberships:
    """The read model."""

    name = "memberships"
    tables = (MEMBERSHIPS, PERIODS)
    inline = True

    def rows(self, recorded: Recorded) -> Iterator[Change]:
        """What an event changes."""
        event = recorded.event
        if not isinstance(event, MembershipEvent):
            return
        after = event.after
        values = {
            "state": after.state,
            "months": after.months,
            "renews": after.renews,
            "until": after.until,
            "benefits_until": after.benefits_until,
            "points": after.points,
            "policy": after.table,
            "lapsed_at": after.lapsed_at,
            "changed_at": event.effective_at,
            "position": recorded.position,
        }
        yield Put(MEMBERSHIPS, (recorded.cell, event.member, event.plan), values)
        match event:
            case TrialStarted(trial=period) | MonthsPaid(period=period):
                yield _period(recorded, event, period)
            case MembershipResumed(periods=periods):
                for period in periods:
                    yield _period(recorded, event, period)
            case MembershipPaused(cuts=cuts) | UnusedDaysRefunded(cuts=cuts):
                for one in cuts:
                    yield _cut(recorded, event, one)
            case _:
                return


def _period(recorded: Recorded, event: MembershipEvent, period: Period) -> Put:
    worth = period.worth
    values = {
        "plan": event.plan,
        "charge": period.charge,
        "since": period.since,
        "until": period.until,
        "months": period.months,
        "daily": period.daily,
        "coins": worth.coins,
        "fen": worth.fen,
        "cut_at": None,
        "kept_coins": None,
        "kept_fen": None,
    }
    return Put(PERIODS, (recorded.cell, event.member, period.id), values)


def _cut(recorded: Recorded, event: MembershipEvent, one: Cut) -> Patch:
    values = {"cut_at": event.effective_at, "kept_coins": one.kept.coins, "kept_fen": one.kept.fen}
    return Patch(PERIODS, (recorded.cell, event.member, one.period), values)
