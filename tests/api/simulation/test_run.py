"""A run over a real socket: asked for properly, measured, and held to the contract."""

import asyncio
import io
from collections.abc import Callable

import pytest
from aiohttp import web

from api.simulation.client import Client, Request, Unreachable, at_least, parse
from api.simulation.demo import NICKNAMES, Demo, fill
from api.simulation.population import populate
from api.simulation.progress import reporter
from api.simulation.run import simulate
from api.simulation.summary import Summary
from api.simulation.texts import language_of
from tests.api.simulation.fake_homezone import FakeHomezone, serving, token


def run(
    fake: FakeHomezone,
    *,
    actions: int = 400,
    concurrency: int = 8,
    writes_only: bool = False,
    seed: int = 1,
) -> Summary:
    async def go() -> Summary:
        async with serving(fake) as url:
            return await simulate(
                url,
                token,
                users=30,
                actions=actions,
                seed=seed,
                concurrency=concurrency,
                writes_only=writes_only,
                progress="none",
            )

    return asyncio.run(go())


def test_a_run_makes_its_population_and_acts() -> None:
    fake = FakeHomezone()
    summary = run(fake)
    population = populate(1, 30)
    assert set(fake.accounts) == {*population.members, *population.spaces}
    assert set(fake.certified) == set(population.spaces)
    assert all(fake.friends(one, other) for one, other in population.friendships)
    assert summary.total.count == 400
    assert sum(line.count for line in summary.lines) == 400
    assert summary.exit_status == 0


def test_one_caller_alone_is_never_refused() -> None:
    """What the simulator believes to be visible is what the server shows."""
    summary = run(FakeHomezone(), actions=3_000, concurrency=1, writes_only=True)
    assert summary.problems == ()


def test_one_callers_requests_follow_from_the_seed() -> None:
    one, other = FakeHomezone(), FakeHomezone()
    for fake in (one, other):
        run(fake, concurrency=1, writes_only=True)
    assert one.requests == other.requests


def test_a_second_run_meets_its_own_members() -> None:
    fake = FakeHomezone()
    run(fake, actions=50)
    accounts = len(fake.accounts)
    summary = run(fake, actions=50)
    assert len(fake.accounts) == accounts
    assert summary.problems == ()


def test_a_busy_server_is_waited_for() -> None:
    fake = FakeHomezone()
    fake.busy_every = 7
    summary = run(fake, actions=100)
    assert summary.retries > 0
    assert summary.problems == ()


def test_a_server_that_stays_busy_is_left_alone_after_bounded_retries() -> None:
    fake = FakeHomezone()
    fake.busy_every = 1

    async def go() -> None:
        async with serving(fake) as url, Client(url, token, run="r", connections_max=1) as client:
            answer = await client.send(Request("feed", 1, "GET", "/v1/feed"))
            assert answer.problem == "429 /problems/too-many-requests"
            assert not answer.unexpected

    asyncio.run(go())
    assert len(fake.requests) == 6


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (lambda: web.Response(status=500, text="oops"), "500 is not JSON"),
        (lambda: web.json_response({"title": "x"}, status=422), "422 without a problem type"),
        (lambda: web.json_response({"type": "/problems/x"}, status=504), "504 /problems/x"),
        (lambda: web.json_response({"id": "1"}), "200 has no position"),
        (lambda: web.json_response({"id": "1", "position": "7"}), "200 has no position"),
        (lambda: web.json_response({"id": "1", "position": "0-7"}), "200 has no Homezone-Position"),
        (lambda: web.json_response([]), "200 is no JSON object"),
    ],
)
def test_what_no_correct_server_answers_fails_the_run(
    broken: Callable[[], web.Response], problem: str
) -> None:
    fake = FakeHomezone()
    fake.broken = lambda request: broken() if request.path == "/v1/posts" else None
    summary = run(fake, actions=60, writes_only=True)
    assert summary.exit_status == 1
    assert problem in {found.type for found in summary.problems if found.unexpected}
    assert problem in summary.text()


def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    url = "http://127.0.0.1:9"
    with pytest.raises(Unreachable, match=r"^no server answers at http://127\.0\.0\.1:9: .+$"):
        asyncio.run(simulate(url, token, users=1, actions=1, seed=1, progress="none"))
    with pytest.raises(Unreachable):
        asyncio.run(fill(url, token))


def test_a_population_waits_for_a_limiter_as_long_as_it_takes() -> None:
    fake = FakeHomezone()
    fake.busy_first = 40
    summary = run(fake, actions=1, concurrency=1)
    assert summary.retries == 40
    assert summary.problems == ()


def test_a_write_whose_answer_was_lost_is_sent_again_under_the_same_key() -> None:
    fake = FakeHomezone()
    lost = iter([True])

    def lose(request: web.Request) -> web.Response | None:
        if request.path == "/v1/accounts" and len(fake.keys) == 1 and next(lost, False):
            assert request.transport is not None
            request.transport.close()
        return None

    fake.broken = lose

    async def go() -> None:
        async with serving(fake) as url, Client(url, token, run="r", connections_max=1) as client:
            for qq in (10_101, 10_102):
                body = {"qq": qq, "nickname": "n", "real_name": "r", "birth_date": "2000-01-01"}
                request = Request("account", 1, "POST", "/v1/accounts", body, role="operator")
                assert (await client.send(request)).ok
            assert client.measured.retries == 1

    asyncio.run(go())
    assert len(fake.accounts) == 2
    assert fake.replays == 1


def test_positions_are_merged_one_a_cell() -> None:
    assert at_least("0-3", "7-45", "0-9,1-2") == "0-9,1-2,7-45"
    assert at_least() is None


def test_a_list_needs_items_and_next() -> None:
    assert parse("list", 200, {}, b'{"items": [], "next": null}').ok
    assert not parse("list", 200, {}, b'{"items": []}').ok


def test_lines_say_how_far_it_is_when_nobody_watches() -> None:
    out = io.StringIO()
    with reporter("auto", out) as report:
        phase = report.phase("posts", 3)
        for _ in range(3):
            phase.advance()
    assert out.getvalue().startswith("posts: 3/3, ")


def test_a_bar_is_shown_when_asked_for() -> None:
    out = io.StringIO()
    with reporter("bar", out) as report:
        report.phase("posts", 1).advance()
    assert "posts" in out.getvalue()


def test_the_demo_world_is_small_and_full() -> None:
    fake = FakeHomezone()

    async def go() -> Demo:
        async with serving(fake) as url:
            return await fill(url, token)

    demo = asyncio.run(go())
    assert demo.unexpected == 0
    assert len(demo.members) == 24
    assert demo.members[0] == 10_001
    assert demo.certified in fake.certified
    assert demo.posts >= 100
    assert demo.responses >= 250
    assert demo.friends == max(
        sum(fake.friends(one, other) for other in demo.members) for one in demo.members
    )
    assert fake.accounts[demo.well_connected]["nickname"] == demo.nickname


def test_the_demos_members_write_in_the_language_of_their_names() -> None:
    for index, nickname in enumerate(NICKNAMES):
        assert nickname.isascii() == (language_of(10_001 + index) == "en")


def test_the_summary_reads_as_a_table() -> None:
    text = run(FakeHomezone(), actions=200).text()
    for word in ("feed", "p50", "p99", "per second", "unexpected"):
        assert word in text
