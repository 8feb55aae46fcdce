"""
Inline models: written with the append or not at all; one that breaks on a command breaks only that.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from adapters.log.statements import Prepared, integers
from commands.ports import Appended, Conflict, LogFault, Superseded
from domain.event import Recorded
from tests.adapters.log.conftest import PostgresBed
from tests.adapters.log.events import key, said, stream
from tests.adapters.log.test_append import assert_gapless, everything, kinds, live, outcomes

_PLACES = "INSERT INTO models.places SELECT * FROM unnest(%s::text[], %s::integer[], %s::bigint[])"


def refuse_poison(events: Sequence[Recorded]) -> Sequence[Prepared]:
    if any("poison" in each.event.text for each in events):  # type: ignore[attr-defined]
        raise ZeroDivisionError
    return ()


def test_a_poisonous_command_fails_alone(bed: Any) -> None:
    log = bed.open(inline=refuse_poison)

    async def story() -> None:
        one = stream()
        with bed.gathering(log):
            tickets = [
                log.submit(said((stream(), 1), key=key("good"), answer=b"A")),
                log.submit(said((one, 1), text="poison", key=key("bad"))),
            ]
            tickets.append(log.submit(said((one, 2)), after=[tickets[1]]))
            tickets += [
                log.submit(said((stream(), 1), key=key("good"))),
                log.submit(said((stream(), 1))),
            ]
        results = await outcomes(*tickets)
        assert kinds(results) == [Appended, LogFault, Superseded, Appended, Appended]
        assert (results[3].replayed, results[3].answer) == (True, b"A")
        assert await log.read_stream(one) == []
        # The log goes on, and the key of what failed is free.
        again = await log.submit(said((one, 1), key=key("bad"))).outcome
        assert not again.replayed

    live(story)
    assert_gapless(log)


def test_a_batch_of_nothing_but_poison_ends(bed: Any) -> None:
    log = bed.open(inline=refuse_poison)

    async def story() -> None:
        tickets = [log.submit(said((stream(), 1), text="poison")) for _ in range(50)]
        assert set(kinds(await outcomes(*tickets))) == {LogFault}
        await log.submit(said((stream(), 1))).outcome

    live(story)
    assert_gapless(log)


@pytest.fixture
def modelled(postgres: PostgresBed) -> Any:
    """A log with an inline model: the place of every event, text as the key."""
    with postgres.database.owner.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS models.places"))
        connection.execute(
            text("CREATE TABLE models.places (word text PRIMARY KEY, cell int, position bigint)")
        )

    def inline(events: Sequence[Recorded]) -> Sequence[Prepared]:
        words = "{" + ",".join(each.event.text for each in events) + "}"  # type: ignore[attr-defined]
        return [
            (
                _PLACES,
                (words, integers(e.cell for e in events), integers(e.position for e in events)),
            )
        ]

    return postgres.open(inline=inline)


def test_a_model_holds_what_the_log_holds(postgres: PostgresBed, modelled: Any) -> None:
    log = modelled

    async def story() -> None:
        taken = stream()
        await log.submit(said((taken, 1), text="first")).outcome
        with postgres.database.owner.connect() as connection:
            connection.execute(text("SELECT 1 FROM log.log_heads FOR UPDATE"))
            plug = log.submit(said((stream(), 1), text="plug"))
            postgres.wait_for_lock(connection)
            tickets = [
                log.submit(said((taken, 1), text="loser")),
                log.submit(said((stream(), 1), text="winner")),
                log.submit(said((stream(), 1), text="winner")),
                log.submit(said((stream(), 1), text="last")),
            ]
        results = await outcomes(plug, *tickets)
        assert kinds(results) == [Appended, Conflict, Appended, LogFault, Appended]

    live(story)
    assert_gapless(log)
    with postgres.database.server.connect() as connection:
        rows = connection.execute(text("SELECT word, cell, position FROM models.places")).all()
    assert sorted(map(tuple, rows)) == sorted(
        (each.event.text, each.cell, each.position) for each in everything(log)
    )
