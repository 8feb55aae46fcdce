"""
What a bundle is asked for: from when until when, and which of the events.
"""

import re
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from domain.evidence.records import DigestRecord

#: A time as records write it.
TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_CELL: Final = re.compile(r"0|[1-9][0-9]{0,3}")

Kind: TypeAlias = Literal["moderation", "billing", "all"]

_MODERATION: Final = frozenset(
    {"case", "disclosure_policy", "rulebook", "rules", "sanction", "screening", "strike"}
)
_BILLING: Final = frozenset(
    {"allowance", "belonging", "gift", "item", "membership", "order", "payment", "period", "wallet"}
)
#: Of what members make, and of themselves: those that a rule or a person decided about.
_JUDGED: Final = frozenset({"account", "album", "comment", "home", "message", "photo", "post"})
_JUDGEMENT: Final = re.compile(
    r"(.+_)?(approved|banned|ban_lifted|flagged|held|refused|reinstated|rejected|restored"
    r"|restricted|restriction_ended|suspended|unpublished|withdrawn)"
)


def is_of(kind: Kind, type: str) -> bool:
    """Whether an event of that type belongs to the trail of moderation, or of billing."""
    noun, _, verb = type.partition(".")
    if kind == "billing":
        return noun in _BILLING
    if kind == "moderation":
        judged = _JUDGEMENT.fullmatch(verb.rpartition(".")[0])
        return noun in _MODERATION or (noun in _JUDGED and judged is not None)
    return True


class Bound(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    An end of a range; one of these.

    :param positions: by cell. A cell that is not named begins with its first event; at the end of a
        range, it has none in it.
    :param time: as records write it.
    """

    positions: dict[str, int] | None = None
    time: str | None = None


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """From after ``since`` until ``to``; None is from the first event on."""

    since: Bound | None
    to: Bound

    def check(self) -> None:
        """
        :raises ValueError: one of its ends is none.
        """
        for bound in (self.since, self.to):
            if bound is not None:
                _check(bound)

    def holds(self, record: DigestRecord) -> bool:
        """Whether an event is in it."""
        return _after(self.since, record) and _until(self.to, record)


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events of the range are in a bundle: all of these must hold."""

    kind: Kind
    owner: UUID | None
    stream: UUID | None

    def may_select(self, record: DigestRecord) -> bool:
        """Whether it may be one of these, as far as a record tells; it does not tell the owner."""
        return is_of(self.kind, record.type) and (
            self.stream is None or record.stream == str(self.stream)
        )


def _check(bound: Bound) -> None:
    if (bound.positions is None) == (bound.time is None):
        raise ValueError("an end of the range that is neither positions nor a time")
    if bound.time is not None and not TIME.fullmatch(bound.time):
        raise ValueError("an end of the range that is no time")
    for cell, position in (bound.positions or {}).items():
        if not _CELL.fullmatch(cell) or not 0 <= position < 1 << 63:
            raise ValueError("an end of the range that is no position")


def _after(since: Bound | None, record: DigestRecord) -> bool:
    if since is None:
        return True
    if since.time is not None:
        return record.recorded_at > since.time
    return record.position > (since.positions or {}).get(str(record.cell), 0)


def _until(to: Bound, record: DigestRecord) -> bool:
    if to.time is not None:
        return record.recorded_at <= to.time
    return record.position <= (to.positions or {}).get(str(record.cell), 0)
