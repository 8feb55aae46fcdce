"""
Double entry as a function in PostgreSQL: the least that an SQL ledger such as pgledger does for a
transfer. Both accounts are locked in order, their balances move, and a transfer with two entries,
each with the balance after it, is written; one transaction, over prepared statements of asyncpg.

It stands in for pgledger, which is on no package index; it does less, without that one's ids, views
and checks of currencies and signs.
"""

import asyncio
import os
from itertools import count
from random import Random
from typing import Any, Final

import asyncpg
import uvloop

from benchmarks import cpu
from benchmarks.ours.loops import closed_loop
from benchmarks.peers.protocol import serve

_SCHEMA: Final = """
CREATE TABLE accounts (
    id integer PRIMARY KEY, balance bigint NOT NULL, version bigint NOT NULL
);
CREATE TABLE transfers (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    source integer NOT NULL REFERENCES accounts,
    target integer NOT NULL REFERENCES accounts,
    amount bigint NOT NULL CHECK (amount > 0),
    made_at timestamptz NOT NULL DEFAULT now(),
    CHECK (source <> target)
);
CREATE TABLE entries (
    account integer NOT NULL REFERENCES accounts,
    version bigint NOT NULL,
    transfer uuid NOT NULL REFERENCES transfers,
    amount bigint NOT NULL,
    balance bigint NOT NULL,
    PRIMARY KEY (account, version)
);
CREATE INDEX ON entries (transfer);
CREATE FUNCTION transfer(source integer, target integer, amount bigint) RETURNS uuid AS $$
DECLARE
    made uuid;
    one accounts;
    other accounts;
BEGIN
    PERFORM id FROM accounts WHERE id IN (source, target) ORDER BY id FOR UPDATE;
    UPDATE accounts SET balance = balance - transfer.amount, version = version + 1
     WHERE id = source RETURNING * INTO one;
    UPDATE accounts SET balance = balance + transfer.amount, version = version + 1
     WHERE id = target RETURNING * INTO other;
    INSERT INTO transfers (source, target, amount) VALUES (source, target, amount)
    RETURNING transfers.id INTO made;
    INSERT INTO entries (account, version, transfer, amount, balance) VALUES
        (one.id, one.version, made, -amount, one.balance),
        (other.id, other.version, made, amount, other.balance);
    RETURN made;
END;
$$ LANGUAGE plpgsql;
"""


class Transfers:
    """One database with accounts to transfer between."""

    def open(self, config: dict[str, Any]) -> dict[str, Any]:
        """Make the tables and the accounts."""
        self._where = {name: config[name] for name in ("host", "port", "user", "database")}
        self._accounts = int(config["accounts"])
        self._random = Random(1)
        uvloop.run(self._make())
        return {}

    def transfer(self, callers: int, seconds: float, connections: int) -> dict[str, Any]:
        """So many callers transfer between any two accounts, over so many connections."""
        return uvloop.run(self._transfer(callers, seconds, connections))

    def close(self) -> None:
        """Nothing is held between two rounds."""

    async def _make(self) -> None:
        connection = await asyncpg.connect(**self._where)
        await connection.execute(_SCHEMA)
        accounts = [(number, 0, 0) for number in range(self._accounts)]
        await connection.executemany("INSERT INTO accounts VALUES ($1, $2, $3)", accounts)
        await connection.close()

    async def _transfer(self, callers: int, seconds: float, connections: int) -> dict[str, Any]:
        idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        opened = [await asyncpg.connect(**self._where) for _ in range(connections)]
        for one in opened:
            prepared = await one.prepare("SELECT transfer($1, $2, $3)")
            idle.put_nowait(prepared)
        numbers = count(1)

        async def step(_: int) -> int:
            source, target = self._random.sample(range(self._accounts), 2)
            statement = await idle.get()
            try:
                await statement.fetchval(source, target, next(numbers))
            finally:
                idle.put_nowait(statement)
            return 1

        everybody = [os.getppid()]
        used = cpu.seconds(everybody)
        done = await closed_loop(step, callers, seconds)
        used = cpu.seconds(everybody) - used
        for one in opened:
            await one.close()
        return {**done._asdict(), "cpu_us": 1e6 * used / done.events}


if __name__ == "__main__":
    serve(Transfers())
