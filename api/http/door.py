"""
How much may be inside at once: the bound in front of all others.

Whatever a request may wait for behind this door (a place at the database, the log's queue, read
models that are not that far yet), so many requests wait for it and no more, and the bodies they
brought take so many bytes and no more. Beyond that the answer is 503 at once, with ``Retry-After``:
a crowd then costs its own members a retry, and everybody else nothing. The operator's machines are
let through however full it is.
"""

from api.http.problems import ProblemError, unavailable

REQUESTS_MAX = 2_000
BODY_BYTES_MAX = 64 << 20
#: Smaller bodies are not added up: there are no more of them than requests.
_BODY_SMALL = 4 << 10


class Door:
    """
    Counts who is inside; used from one loop.

    :param requests_max: beyond them the next one is turned away; likewise ``bytes_max``.
    """

    __slots__ = ("bytes", "bytes_max", "draining", "inside", "refused", "requests_max", "waiting")

    def __init__(self, requests_max: int = REQUESTS_MAX, bytes_max: int = BODY_BYTES_MAX) -> None:
        self.requests_max = requests_max
        self.bytes_max = bytes_max
        self.inside = 0
        self.bytes = 0
        self.refused = 0
        #: Of those inside, who wait for read models to be as fresh as they asked for.
        self.waiting = 0
        #: The server is about to stop: whoever is answered is asked to hang up.
        self.draining = False

    def enter(self) -> None:
        """
        One more; every one leaves again.

        :raises ProblemError: 503, and nobody entered.
        """
        if self.inside >= self.requests_max:
            raise self.overloaded()
        self.inside += 1

    def leave(self, body_bytes: int) -> None:
        """One less, with what was reserved for its body."""
        self.inside -= 1
        self.bytes -= body_bytes

    def reserve(self, size: int) -> int:
        """
        Make room for a body that is about to be read.

        :returns: what is to be given back.
        :raises ProblemError: 503.
        """
        if size <= _BODY_SMALL:
            return 0
        if self.bytes + size > self.bytes_max:
            raise self.overloaded()
        self.bytes += size
        return size

    def shrink(self, reserved: int, size: int) -> int:
        """A body came and was smaller than it might have been; what is to be given back now."""
        spare = max(0, reserved - size)
        self.bytes -= spare
        return reserved - spare

    @property
    def waiting_max(self) -> int:
        """
        How many may wait for freshness: whoever asks for what is still to happen waits out the
        whole time, and must not fill the place.
        """
        return max(1, self.requests_max // 4)

    def wait(self) -> None:
        """
        One more waits; every one says so when it is over.

        :raises ProblemError: 503.
        """
        if self.waiting >= self.waiting_max:
            raise self.overloaded()
        self.waiting += 1

    def overloaded(self) -> ProblemError:
        """The answer to whoever finds it full."""
        self.refused += 1
        return unavailable(detail="There are too many requests at the moment. Nothing was done.")
