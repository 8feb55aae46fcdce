"""
How many streams may be open: of one member, and in all.

A stream is a connection and a little memory for as long as it lasts, and there is no end to how
many tabs one may open. Beyond a number of their own a member gets 429, beyond that of all everybody
gets 503; whoever has a stream keeps it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from api.http.problems import ProblemError, unavailable

STREAMS_MAX = 10_000
STREAMS_OF_MEMBER_MAX = 20
_RETRY_SECONDS = 5


class Places:
    """Counts open streams; used from one loop."""

    def __init__(
        self, streams_max: int = STREAMS_MAX, of_member_max: int = STREAMS_OF_MEMBER_MAX
    ) -> None:
        self.streams_max = streams_max
        self.of_member_max = of_member_max
        self.open = 0
        self.refused = 0
        self._of_member: dict[UUID, int] = {}

    @contextmanager
    def hold(self, member: UUID) -> Iterator[None]:
        """
        A place for one stream of a member, while it lasts.

        :raises ProblemError: 429 or 503; there is none.
        """
        mine = self._of_member.get(member, 0)
        if mine >= self.of_member_max:
            self.refused += 1
            raise ProblemError(
                "too-many-requests",
                f"At most {self.of_member_max} streams of a member are open at once.",
                headers={"Retry-After": str(_RETRY_SECONDS)},
            )
        if self.open >= self.streams_max:
            self.refused += 1
            raise unavailable(_RETRY_SECONDS, "There are too many streams open at the moment.")
        self.open += 1
        self._of_member[member] = mine + 1
        try:
            yield
        finally:
            self.open -= 1
            left = self._of_member[member] - 1
            if left:
                self._of_member[member] = left
            else:
                del self._of_member[member]
