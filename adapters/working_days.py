"""Provisional."""

from datetime import datetime, timedelta

from domain.promise import Promise, PromiseKind


class ChineseCalendar:
    """Provisional."""

    def promise(self, kind: PromiseKind, start: datetime) -> Promise:
        """Provisional."""
        return Promise(
            kind,
            start + timedelta(days={"review": 1, "preview": 3, "appeal": 5}[kind]),
            "provisional",
        )
