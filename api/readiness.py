"""
Whether this server can serve: its database answers, its read models keep up.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence

from api.http.door import Door
from api.http.problems import ProblemError
from api.routes.operations import Readiness, Subscriber
from api.services import AuditLog
from commands.ports import LogUnavailable
from projections.engine.status import Condition, EngineStatus, SubscriberStatus

#: Beyond this many events, reads are too old to be served to new clients.
LAG_MAX = 100_000
#: Whoever asks has a patience of their own, mostly of a few seconds.
DATABASE_SECONDS = 2.0


async def readiness(
    log: AuditLog,
    statuses: Sequence[Callable[[], EngineStatus]],
    door: Door,
    spared: Collection[str] = (),
) -> Readiness:
    """
    How this server is doing.

    :param spared: subscribers for whose sake nobody is sent away: what they do can wait.

    :raises ProblemError: 503, naming what stands in the way.
    """
    if door.draining:
        raise ProblemError("not-ready", "The server is about to stop.")
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await log.heads()
    except (LogUnavailable, TimeoutError):
        raise ProblemError("not-ready", "The database does not answer.") from None
    subscribers = [_subscriber(one) for status in statuses for one in status().subscribers]
    needed = [one for one in subscribers if one.name not in spared]
    lag = max((one.lag for one in needed), default=0)
    failed = [one.name for one in needed if one.condition == Condition.FAILED]
    if failed:
        raise ProblemError("not-ready", f"Stopped: {', '.join(failed)}.")
    if lag > LAG_MAX:
        raise ProblemError("not-ready", f"The read models are {lag} events behind.")
    return Readiness(True, True, lag, subscribers)


def _subscriber(status: SubscriberStatus) -> Subscriber:
    failure = status.failure
    return Subscriber(
        name=status.name,
        condition=str(status.condition),
        lag=status.lag,
        stopped_at=None if failure is None else f"{failure.cell}-{failure.position}",
        error=None if failure is None else failure.error,
    )
