"""
Promises: by when something is decided that a member, or the law, waits for.

They are counted on a calendar of working days, whose version is kept with each, so that a due date
can be worked out again years later.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

#: A review after publication, or of what is held back: 24 hours, 48 over days off. A preview:
#: 3 working days. An appeal: 5 working days.
PromiseKind: TypeAlias = Literal["review", "preview", "appeal"]


class Promise(msgspec.Struct, frozen=True):
    """
    What was promised, and until when.

    :param calendar: the version of the working-day calendar that ``due`` was counted on.
    """

    kind: PromiseKind
    due: datetime
    calendar: str
