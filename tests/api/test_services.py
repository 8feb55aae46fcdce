"""
What stands between the routes and the log: keys without anybody's words, waits that end.
"""

import asyncio
from collections.abc import Collection
from uuid import uuid4

from sqlalchemy import create_engine, text

from api.recent import RecentWrites
from tests.support.homezone import RunningHomezone


def test_the_words_of_an_idempotency_key_stay_out_of_the_database(
    homezone: RunningHomezone,
) -> None:
    member = homezone.member()
    words = "for-anna-because-of-the-divorce"
    body = {"kind": "shuoshuo", "text": "x", "audience": {"to": "public"}}
    headers = {"Idempotency-Key": words}
    first = member.request("POST", "/v1/posts", body, headers=headers).ok(201)
    again = member.request("POST", "/v1/posts", body, headers=headers).ok(201)
    assert again.json == first.json
    assert again.headers["idempotency-replayed"] == "true"
    engine = create_engine(homezone.homezone.database_url)
    with engine.connect() as connection:
        keys = connection.scalars(text("SELECT key FROM log.commands")).all()
    engine.dispose()
    assert keys
    assert not [key for key in keys if words in key]


def test_a_read_model_that_has_stopped_delays_one_read_and_not_all() -> None:
    class Stopped:
        waits = 0

        async def wait_for(
            self, target: dict[int, int], seconds: float, models: Collection[str] | None = None
        ) -> None:
            self.waits += 1
            raise TimeoutError

    member, stopped, recent = uuid4(), Stopped(), RecentWrites()

    async def story() -> None:
        recent.note(member, 0, 1)
        await recent.settle(member, stopped)
        await recent.settle(member, stopped)
        assert stopped.waits == 1
        recent.note(member, 0, 2)
        await recent.settle(member, stopped)
        assert stopped.waits == 2

    asyncio.run(story())
