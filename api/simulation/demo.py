"""
A small handsome world for an empty store, so that a first look at the API finds something.

Why it exists: `make serve` on a fresh machine should show a network and not an empty list. Two
dozen members with low QQ numbers, a circle of friends, a certified space, and poems with comments
and likes. It comes in through HTTP like any client's writes, in waves: what refers to something is
sent after it.
"""

from random import Random
from time import perf_counter
from uuid import uuid4

import msgspec

from api.simulation import actions, texts
from api.simulation.actions import Action
from api.simulation.client import Client, Measured, Request, TokenSource
from api.simulation.graph import friend_graph
from api.simulation.learning import learn
from api.simulation.population import Population, account_of
from api.simulation.progress import Phase, Show, reporter
from api.simulation.run import caught_up, each, settle
from api.simulation.world import World

DEMO_SEED = 1999
FIRST_QQ = 10_001
POSTS = 120
DIARY_SHARE = 0.15
SPACE_POSTS = 8
RESPONSES = 420
FOLLOWERS = 14
CONCURRENCY = 16
# Written out, because a generated name is never as good as a chosen one.
# fmt: off
NICKNAMES = (
    "晨钟", "听雨", "Skylark", "山月不知", "Juniper", "云深", "半夏", "阿梅", "长安某", "白露未晞",
    "枕书", "采薇", "江枫渔火", "青团", "晚风", "望舒", "松间", "海棠依旧", "煮茶", "Lantern",
    "芦花", "Wren", "九万里", "橘子洲",
)
# fmt: on
RESPONSE_BUILDS = (actions.like, actions.like, actions.like, actions.comment, actions.comment)


class Demo(msgspec.Struct, frozen=True):
    """What a welcome can name. `well_connected` has the most friends, so the fullest feed."""

    members: tuple[int, ...]
    well_connected: int
    nickname: str
    friends: int
    certified: int
    posts: int
    responses: int
    seconds: float
    unexpected: int


async def fill(
    url: str, token: TokenSource, *, seed: int = DEMO_SEED, progress: Show = "none"
) -> Demo:
    """
    Make the demo world at `url`: some seven hundred requests, in a few seconds on a laptop.

    :raises Unreachable: nobody answers at `url`.
    """
    began = perf_counter()
    random = Random(seed)
    population = _population(random)
    world = population.world()
    async with Client(url, token, run=uuid4().hex, connections_max=CONCURRENCY) as client:
        await client.greet()
        with reporter(progress) as report:
            await settle(client, population, report, CONCURRENCY, _account)
            await _write(client, world, random, report.phase("posts", POSTS + SPACE_POSTS))
            await _respond(client, world, random, report.phase("responses", RESPONSES))
        await caught_up(client, population.members[0])
    return _demo(population, world, client.measured, perf_counter() - began)


def _population(random: Random) -> Population:
    members = range(FIRST_QQ, FIRST_QQ + len(NICKNAMES))
    space = members[-1] + 1
    graph = friend_graph(random, len(members))
    friendships = [(members[one], members[other]) for one, other in graph.friendships()]
    follows = [(member, space) for member in sorted(random.sample(members, FOLLOWERS))]
    return Population(members, (space,), friendships, follows)


def _account(qq: int) -> Request:
    index = qq - FIRST_QQ
    if index == len(NICKNAMES):
        nickname = texts.certified_spaces()[0].name
    else:
        nickname = NICKNAMES[index]
    person = texts.person(Random(qq), texts.language_of(qq))
    return account_of(qq, msgspec.structs.replace(person, nickname=nickname))


async def _write(client: Client, world: World, random: Random, phase: Phase) -> None:
    """Posts, more of them by those with more friends."""
    authors = random.choices(
        world.members, [1 + len(world.friends(member)) for member in world.members], k=POSTS
    )
    builds = random.choices(
        (actions.diary, actions.shuoshuo), (DIARY_SHARE, 1 - DIARY_SHARE), k=POSTS
    )
    drawn = [build(random, world, author) for build, author in zip(builds, authors, strict=True)]
    drawn += [actions.diary(random, world, world.spaces[0]) for _ in range(SPACE_POSTS)]
    random.shuffle(drawn)

    async def publish(action: Action) -> None:
        learn(random, world, action, await client.send(action.request))

    await each(drawn, publish, phase, CONCURRENCY)


async def _respond(client: Client, world: World, random: Random, phase: Phase) -> None:
    """Likes and comments on what the writers' friends posted."""

    async def respond(number: int) -> None:
        actor = random.choice(world.members)
        # Replies come once there is something to reply to.
        build = actions.reply if number % 8 == 7 else random.choice(RESPONSE_BUILDS)
        action = build(random, world, actor)
        if action is not None:
            learn(random, world, action, await client.send(action.request))

    await each(range(RESPONSES), respond, phase, CONCURRENCY)


def _demo(population: Population, world: World, measured: Measured, seconds: float) -> Demo:
    members = tuple(population.members)
    well_connected = max(members, key=lambda member: (len(world.friends(member)), -member))
    authors = (*members, *population.spaces)
    posts = [post for author in authors for post in world.posts_of(author)]
    return Demo(
        members=members,
        well_connected=well_connected,
        nickname=NICKNAMES[well_connected - FIRST_QQ],
        friends=len(world.friends(well_connected)),
        certified=population.spaces[0],
        posts=len(posts),
        responses=sum(len(post.comments) + len(post.likers) for post in posts),
        seconds=seconds,
        unexpected=sum(measured.unexpected.values()),
    )
