"""
A moment is found in a backup, and restored as it was.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest

from adapters.backup import (
    BackupFault,
    Vector,
    resolve,
)
from tests.adapters.backup.stores import (
    CELLS,
    NOON,
    Store,
    checked,
    content,
    restored,
)


class Spoken:
    """A history over three parts, and a plain record of it to hold moments against."""

    def __init__(self, store: Store) -> None:
        chance = random.Random(11)
        self.store = store
        #: (cell, position, recorded_at, number of the command), in order.
        self.said: list[tuple[int, int, datetime, int]] = []
        self.parts: list[Vector] = []
        command = 0
        for run in range(3):
            for _ in range(25):
                store.clock.advance(timedelta(milliseconds=chance.choice([0, 0, 3, 10])))
                command += 1
                cell, count = chance.randrange(3), chance.randrange(1, 5)
                last = int(store.say(cell, *["w"] * count, key=f"{command}").partition("-")[2])
                for position in range(last - count + 1, last + 1):
                    self.said.append((cell, position, store.clock.now(), command))
            store.move_subscriber(0, run + 1)
            store.clock.advance(timedelta(milliseconds=1))
            store.take()
            self.parts.append(dict(store.log.reader.heads()))

    def at_time(self, moment: datetime) -> Vector:
        heads = dict.fromkeys(range(CELLS), 0)
        for cell, position, at, _ in self.said:
            if at <= moment:
                heads[cell] = max(heads[cell], position)
        return heads

    def at_positions(self, named: Vector) -> Vector:
        commands = {
            command: at for cell, position, at, command in self.said if named.get(cell) == position
        }
        heads = self.at_time(max(commands.values())) | dict.fromkeys(named, 0)
        for cell, position, _, command in self.said:
            if cell in named and (position <= named[cell] or command in commands):
                heads[cell] = max(heads[cell], position)
        return heads


@pytest.fixture
def spoken(store: Store) -> Spoken:
    return Spoken(store)


def test_a_time_is_what_was_recorded_by_then(spoken: Spoken) -> None:
    backup = checked(spoken.store.backup, spoken.store.vault)
    for moment in {at for _, _, at, _ in spoken.said}:
        for off in (timedelta(0), timedelta(microseconds=1)):
            assert resolve(backup, moment + off) == spoken.at_time(moment)
        before = spoken.at_time(moment - timedelta(microseconds=1))
        if any(before.values()):
            assert resolve(backup, moment - timedelta(microseconds=1)) == before
    assert resolve(backup, None) == spoken.parts[-1]
    assert resolve(backup, backup.last.taken_at) == spoken.parts[-1]
    with pytest.raises(BackupFault, match="ends at"):
        resolve(backup, backup.last.taken_at + timedelta(microseconds=1))
    with pytest.raises(BackupFault, match="nothing"):
        resolve(backup, NOON - timedelta(seconds=1))


def test_positions_are_the_first_moment_with_all_of_them(spoken: Spoken) -> None:
    backup = checked(spoken.store.backup, spoken.store.vault)
    heads = spoken.parts[-1]
    chance = random.Random(3)
    cut_open = 0
    for cell in range(3):
        for position in range(1, heads[cell] + 1):
            found = resolve(backup, {cell: position})
            assert found == spoken.at_positions({cell: position}), (cell, position)
            cut_open += found[cell] > position
    assert cut_open > 10, "positions in the middle of a command were tried"
    for _ in range(100):
        named = {cell: chance.randrange(1, heads[cell] + 1) for cell in range(3)}
        assert resolve(backup, named) == spoken.at_positions(named), named
    assert resolve(backup, heads) == heads
    assert resolve(backup, {0: 0, 1: 1})[0] == 0
    for beyond in ({0: heads[0] + 1}, {CELLS: 1}, {3: 1}):
        with pytest.raises(BackupFault, match="no event"):
            resolve(backup, beyond)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.99])
def test_a_moment_is_restored_with_its_keys_and_no_others(
    spoken: Spoken, server_url: str, share: float
) -> None:
    moment = spoken.said[int(len(spoken.said) * share)][2]
    with restored(spoken.store, server_url, moment) as (database, vector):
        assert vector == spoken.at_time(moment)
        then = content(database)
        inside = " OR ".join(f"cell = {c} AND position <= {p}" for c, p in vector.items())
        assert then["events"] == content(spoken.store.database, inside)["events"]
        assert {row[0]: row[1] for row in then["log_heads"]} == vector
        for cell, position, at, _ in then["log_heads"]:
            last = [t for c, p, t, _ in spoken.said if (c, p) == (cell, position)]
            assert at == (last[0] if last else datetime(1970, 1, 1, tzinfo=UTC))
        commands = {command for cell, p, _, command in spoken.said if p <= vector[cell]}
        assert {int(row[2]) for row in then["commands"]} == commands
        whole = [part for part in spoken.parts if all(part[c] <= vector[c] for c in part)]
        expected = [(0, "policy/x", len(whole))] if whole else []
        assert then["subscribers"] == expected, "as far as was certain by then"
