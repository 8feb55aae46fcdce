"""
The library's event store and repository over our log: what the product wrote, its tools read.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec
import pytest
from eventsourcing.application import Repository
from eventsourcing.persistence import EventStore, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import Environment

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.factories import PostgresFactory
from adapters.log.mapper import MsgspecMapper, StreamEvent
from adapters.log.postgres import PostgresLog
from adapters.schema import migrate
from commands.ports import Append, NewEvent
from domain.audience import Friends, Public
from domain.catalogue import EVENTS
from domain.ids import MemberId, PostId, mint
from domain.post import POST, Deleted, Live, Post, post_stream
from domain.post_events import PostAudienceChanged, PostContent, PostDeleted, PostPublished
from domain.sealed import Sealed
from tests.support.database import database_url, server_url

__all__ = ["database_url", "server_url"]

CELL = 3
AUTHOR = MemberId(mint(1, CELL, 1))
ID = PostId(mint(2, CELL, 2))
HISTORY = (
    PostPublished(AUTHOR, "shuoshuo", PostContent(Sealed(b"\x01" * 60)), Public()),
    PostAudienceChanged(AUTHOR, Friends()),
    PostDeleted(AUTHOR),
)


class Folded(msgspec.Struct, frozen=True):
    """A post as the library's repository holds aggregates."""

    id: UUID
    version: int
    post: Post


def project(folded: Folded | None, events: Iterable[StreamEvent]) -> Folded | None:
    """The library's projector function, over our fold."""
    for one in events:
        state = folded.post if folded else POST.initial
        after = POST.evolve(state, one.event, one.originator_version)
        folded = Folded(one.originator_id, one.originator_version, after)
    return folded


def test_the_librarys_repository_reads_what_the_product_wrote(database_url: str) -> None:
    migrate(database_url)
    database = Database(database_url)
    log = PostgresLog(database, EVENTS, SystemClock(), notify=False)
    try:
        for version, event in enumerate(HISTORY[:2], 1):
            new = NewEvent(post_stream(ID), version, AUTHOR, event)
            log.append(Append(CELL, ID, AUTHOR, ID, None, (new,)))
    finally:
        log.close()
        database.dispose()

    environment = {"DATABASE_URL": database_url, "CELL": str(CELL)}
    with PostgresFactory(Environment("homezone", environment)) as factory:
        store = EventStore[UUID](MsgspecMapper(EVENTS), factory.application_recorder())
        repository = Repository[UUID](store)

        first = repository.get(ID, version=1, projector_func=project)
        assert isinstance(first.post, Live)
        assert first.post.audience == Public()
        latest = repository.get(ID, projector_func=project)
        assert isinstance(latest.post, Live)
        assert latest.post.audience == Friends()

        store.put([StreamEvent(ID, 3, HISTORY[2])])
        gone = repository.get(ID, projector_func=project)
        assert gone.post == Deleted(AUTHOR, 3)


def test_what_no_release_wrote_is_named_and_not_quoted() -> None:
    mapper = MsgspecMapper(EVENTS)
    for topic, state in (("post.unheard_of.v1", b"{}"), ("post.deleted.v1", b'{"secret": 1}')):
        with pytest.raises(MapperDeserialisationError) as refused:
            mapper.to_domain_event(StoredEvent(ID, 7, topic, state))
        assert "secret" not in str(refused.value)
        assert topic in str(refused.value)
