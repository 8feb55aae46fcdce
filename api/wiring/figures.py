"""
What a running server tells Prometheus of its parts.

Every figure has its line here and nowhere else, so the list in the operations handbook can be held
against it. Reading them asks no database: what only the database knows is not worth a scrape that
hangs while it is away.
"""

from collections.abc import Iterator
from typing import Protocol, get_args

from adapters.log.postgres import PostgresLog
from adapters.log.statistics import Histogram
from adapters.vault import FileKeyVault
from api.http.door import Door
from api.limits import Limits
from api.metrics import Distribution, Figure
from api.reading import ReadLine
from api.stream import Hub
from api.wiring.lateness import Lateness
from commands.streams import Streams
from domain.case_events import Queue
from domain.promise import PromiseKind
from projections.engine.policies import PolicyRunner
from projections.engine.status import Condition, EngineStatus
from projections.engine.timers import TimerRunner
from projections.reading.cases import QueueSizes
from projections.recall.recall import Recall
from replay.published import Progress


class Engine(Protocol):
    """What feeds the read models, here or in a process of its own."""

    def status(self) -> EngineStatus: ...


def log_figures(log: PostgresLog) -> Iterator[Figure]:
    """The event log: what was appended, how, and what waits."""
    done, queue = log.statistics, log.queue
    yield Figure(
        "homezone_log_commands_total",
        "Commands that passed the log, by what became of them: written, replayed (the idempotency"
        " key was known), conflict (decided again) or fault (a defect).",
        {
            "written": done.written,
            "replayed": done.replayed,
            "conflict": done.conflicts,
            "fault": done.lost["fault"],
        },
        ("outcome",),
    )
    yield Figure("homezone_log_events_total", "Events committed.", done.events)
    yield Figure(
        "homezone_log_conflicts_total",
        "Commands decided again: a stream had moved, what they followed was not written"
        " (superseded), or rules had changed (stale_rules).",
        {kind: count for kind, count in done.lost.items() if kind != "fault"},
        ("kind",),
    )
    yield Figure(
        "homezone_log_retries_total",
        "Attempts to write a batch that met a database in trouble.",
        done.retries,
    )
    yield Figure(
        "homezone_log_given_up_total",
        "Commands answered without the database: unavailable (not written, nor will be) or unknown"
        " (the commit was lost on the way).",
        dict(done.given_up),
        ("outcome",),
    )
    for name, meaning, histogram in (
        ("batch_commands", "Commands a batch; a batch is a transaction.", done.batch_commands),
        ("batch_duration_seconds", "A batch from queue to answer, with retries.",
         done.batch_seconds),
        ("commit_duration_seconds", "COMMIT alone: what the disk takes.", done.commit_seconds),
        ("queue_duration_seconds", "What a command waits before its batch.", done.queue_seconds),
    ):  # fmt: skip
        yield Figure(f"homezone_log_{name}", meaning, _distribution(histogram))
    yield Figure("homezone_log_queue_appends", "Appends that wait for the writer.", len(queue))
    yield Figure("homezone_log_queue_bytes", "Bytes of events that wait.", queue.bytes)
    yield Figure(
        "homezone_log_queue_appends_max", "Appends beyond which callers get 503.", queue.count_max
    )
    yield Figure(
        "homezone_log_queue_bytes_max", "Bytes beyond which callers get 503.", queue.bytes_max
    )
    yield Figure(
        "homezone_log_queue_refused_total", "Appends refused by a full queue.", queue.refused
    )


def follower_figures(
    engine: Engine, policies: PolicyRunner, timers: TimerRunner, late: Lateness
) -> Iterator[Figure]:
    """Who follows the log: how far behind, and whether it has stopped."""
    models, reactions = engine.status(), policies.status()
    for prefix, what, status in (
        ("homezone_projection", "read model", models),
        ("homezone_policy", "policy", reactions),
    ):
        yield Figure(
            f"{prefix}_lag_events",
            f"Events a {what} has yet to see.",
            {one.name: one.lag for one in status.subscribers},
            ("name",),
        )
        yield Figure(
            f"{prefix}_lag_seconds",
            f"Since this server heard of the first event a {what} has yet to see; 0 for none.",
            {
                one.name: late.seconds(one.positions) if one.lag else 0.0
                for one in status.subscribers
            },
            ("name",),
        )
        yield Figure(
            f"{prefix}_failed",
            f"1 for a {what} that stopped at an event it cannot take.",
            {one.name: float(one.condition is Condition.FAILED) for one in status.subscribers},
            ("name",),
        )
    jobs = {
        "models": (models.leading, models.trouble),
        "policies": (reactions.leading, reactions.trouble),
        "timers": (timers.leading, timers.trouble),
    }
    yield Figure(
        "homezone_job_leading",
        "1 where this server does the job; of all servers of a database one does.",
        {name: float(leading) for name, (leading, _) in jobs.items()},
        ("name",),
    )
    yield Figure(
        "homezone_job_troubled",
        "1 while a job meets a database error it has not overcome.",
        {name: float(trouble is not None) for name, (_, trouble) in jobs.items()},
        ("name",),
    )
    yield Figure(
        "homezone_timers_failing", "Deadlines that could not be fired, and are tried again.",
        timers.failing,
    )  # fmt: skip
    yield Figure("homezone_timers_fired_total", "Deadlines fired by this server.", timers.fired)
    yield Figure(
        "homezone_timers_late_seconds",
        "How late the deadline fired last was.",
        timers.late_seconds,
    )


def case_figures(waiting: QueueSizes | None) -> Iterator[Figure]:
    """
    What waits for moderators, as it was counted last; the same from every server of a database.
    """
    if waiting is None:
        return
    queues, states = get_args(Queue), ("open", "claimed", "proposed")
    yield Figure(
        "homezone_cases_open",
        "Cases that wait to be decided, by queue and state.",
        {(queue, state): waiting.open.get((queue, state), 0)
         for queue in queues for state in states},
        ("queue", "state"),
    )  # fmt: skip
    yield Figure(
        "homezone_cases_overdue",
        "Of those, whose promise was broken, by queue.",
        {queue: waiting.overdue.get(queue, 0) for queue in queues},
        ("queue",),
    )
    yield Figure(
        "homezone_promises_broken_total",
        "Promises that were broken since the store was made, by kind.",
        {kind: waiting.breaches.get(kind, 0) for kind in get_args(PromiseKind)},
        ("promise",),
    )


def notary_figures(notary: Progress | None) -> Iterator[Figure]:
    """How far the tree is; nothing before the notary has been looked at."""
    if notary is None:
        return
    yield Figure("homezone_notary_leaves", "Events in the tree.", notary.size)
    yield Figure("homezone_notary_signed_leaves", "Of those, in a signed tree.", notary.signed)
    yield Figure("homezone_notary_lag_events", "Events that are not in the tree yet.", notary.lag)


def calendar_figures(days_left: int) -> Iterator[Figure]:
    """For how long it is known which days are worked."""
    yield Figure(
        "homezone_calendar_left_seconds",
        "Until the calendar of working days knows no holidays any more; whole days.",
        86_400 * days_left,
    )


def memory_figures(streams: Streams, vault: FileKeyVault, recall: Recall) -> Iterator[Figure]:
    """What is kept in memory to be quick."""
    yield Figure("homezone_stream_cache_hits_total", "States found in memory.", streams.hits)
    yield Figure(
        "homezone_stream_cache_misses_total", "States folded from the log.", streams.misses
    )
    yield Figure(
        "homezone_stream_cache_evictions_total", "States that made room.", streams.evictions
    )
    yield Figure("homezone_stream_cache_streams", "States in memory.", len(streams))
    yield Figure("homezone_stream_cache_bytes", "About what they take.", streams.bytes)
    yield Figure("homezone_key_cache_keys", "Members' keys in memory.", vault.keys_in_memory)
    yield Figure("homezone_recall_hits_total", "Reads answered from memory.", recall.answered)
    yield Figure(
        "homezone_recall_misses_total", "Reads that memory could not answer.", recall.given_up
    )
    yield Figure("homezone_recall_loads_total", "Loads of what memory lacked.", recall.loads)
    yield Figure("homezone_recall_facts", "Facts in memory.", recall.facts.sizes(), ("kind",))


def door_figures(door: Door, reads: ReadLine, hub: Hub, limits: Limits | None) -> Iterator[Figure]:
    """Who is inside, who waits, and who was turned away."""
    yield Figure("homezone_http_requests_in_flight", "Requests inside.", door.inside)
    yield Figure(
        "homezone_http_requests_in_flight_max",
        "Requests beyond which callers get 503.",
        door.requests_max,
    )
    yield Figure(
        "homezone_http_requests_waiting",
        "Of those, who wait for read models as fresh as they asked for.",
        door.waiting,
    )
    yield Figure("homezone_http_body_bytes", "Bytes reserved for larger bodies.", door.bytes)
    yield Figure(
        "homezone_http_turned_away_total", "Requests that found the door closed.", door.refused
    )
    yield Figure("homezone_reads_running", "Reads that the database works on.", reads.running)
    yield Figure("homezone_reads_running_max", "Places for reads.", reads.places)
    yield Figure("homezone_reads_waiting", "Reads that wait for a place.", reads.waiting)
    yield Figure(
        "homezone_reads_refused_total", "Reads that found no place in time.", reads.refused
    )
    places = hub.places
    yield Figure("homezone_streams_open", "Streams that are open.", places.open)
    yield Figure(
        "homezone_streams_open_max", "Streams beyond which callers get 503.", places.streams_max
    )
    yield Figure("homezone_streams_refused_total", "Streams that found no place.", places.refused)
    if limits is not None:
        yield Figure(
            "homezone_http_limited_total",
            "Requests over a limit, by whose.",
            {one.name: one.refused for one in limits.kinds},
            ("limit",),
        )


def _distribution(histogram: Histogram) -> Distribution:
    return Distribution(histogram.cumulative, histogram.sum)
