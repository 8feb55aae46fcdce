"""
A post that 100,000 members like costs what one does that twenty like: its count is a number, and a
page of who they are is a stretch of an index.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from domain.ids import cell_of
from projections.members import MEMBERS
from projections.reading.responses import _LIKES as LIKES_OF_POST
from tests.support.database import fresh_database, server_url
from tests.support.homezone import RunningHomezone, running_homezone

__all__ = ["server_url"]

MANY, FEW = 100_000, 20
#: Pages of 8 KiB that a page of likes reads: the way down an index, and a leaf or two.
BLOCKS_MAX = 12

#: Ids of the sixteen cells; which one of them, their sixteenth digit says.
_AN_ID = "overlay(md5('liker' || n)::text PLACING '800' FROM 13 FOR 3)::uuid"
_ITS_CELL = "('x' || substr(replace(member::text, '-', ''), 16, 1))::bit(4)::int::smallint"
_LIKE = text(
    f"""
    INSERT INTO models.likes (cell, post, member, member_cell, liked_at)
    SELECT :cell, :post, member, {_ITS_CELL}, at
      FROM (SELECT {_AN_ID} AS member, TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 second' AS at
              FROM generate_series(1, :count) AS n) AS liker
    """
)
_COUNT = text(
    """
    INSERT INTO models.counters (cell, post, likes) VALUES (:cell, :post, :count)
    ON CONFLICT (cell, post) DO UPDATE SET likes = excluded.likes
    """
)


def _like(connection: Connection, post: str, count: int) -> None:
    """So many members like a post, as the read models have it."""
    said = {"cell": cell_of(UUID(post)), "post": UUID(post), "count": count}
    connection.execute(_LIKE, said)
    connection.execute(_COUNT, said)


def _likers(connection: Connection, like: UUID) -> None:
    """Members who look like one who is there, each in the cell that the id says."""
    others = ", ".join(one.name for one in MEMBERS.columns if one.name not in ("cell", "member"))
    statement = f"""
        INSERT INTO models.members (cell, member, {others})
        SELECT {_ITS_CELL.replace("member", "made.member")}, made.member, {others}
          FROM models.members AS one,
               (SELECT {_AN_ID} AS member FROM generate_series(1, :count) AS n) AS made
         WHERE one.member = :like
        """
    connection.execute(text(statement), {"count": MANY, "like": like})


@pytest.fixture
def store(server_url: str, tmp_path: Path) -> Iterator[tuple[RunningHomezone, Engine]]:
    with fresh_database(server_url) as url, running_homezone(url, tmp_path) as homezone:
        engine = create_engine(url)
        yield homezone, engine
        engine.dispose()


def _blocks(connection: Connection, post: str) -> int:
    """How many blocks PostgreSQL looks at for the first page of who likes a post."""
    sql = LIKES_OF_POST.sql
    for name, value in {
        "cell": str(cell_of(UUID(post))), "post": f"'{post}'", "before": "'9999-12-30Z'",
        "before_member": f"'{UUID(int=(1 << 128) - 1)}'", "count": "21",
    }.items():  # fmt: skip
        sql = sql.replace(f":{name}::", f"{value}::")
    explained: Any = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
    found = explained.scalar()
    (plan,) = found if isinstance(found, list) else json.loads(found)
    top = plan["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])


def test_a_hundred_thousand_likes_cost_what_twenty_do(
    store: tuple[RunningHomezone, Engine],
) -> None:
    homezone, engine = store
    author, reader = homezone.members(2)
    many, few = (str(author.publish().json["id"]) for _ in range(2))
    reader.put(f"/v1/posts/{few}/like").ok()
    homezone.everything()
    me = UUID(author.get("/v1/me").ok(200).json["id"])
    with engine.begin() as connection:
        _likers(connection, me)
        _like(connection, many, MANY)
        _like(connection, few, FEW)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            "VACUUM ANALYZE models.likes"
        )
        assert _blocks(connection, many) <= BLOCKS_MAX
        assert _blocks(connection, few) <= BLOCKS_MAX
    reader.put(f"/v1/posts/{many}/like").ok()
    assert reader.get(f"/v1/posts/{many}").ok(200).json["likes"] == MANY + 1
    first = reader.get(f"/v1/posts/{many}/likes", limit=100).ok(200).json
    assert first["items"][0]["member"]["qq"] == reader.qq
    assert len(first["items"]) == 100
    second = reader.get(f"/v1/posts/{many}/likes", limit=100, cursor=first["next"]).ok(200).json
    moments = [one["liked_at"] for one in (*first["items"], *second["items"])]
    assert moments == sorted(set(moments), reverse=True), "each once, the latest first"
