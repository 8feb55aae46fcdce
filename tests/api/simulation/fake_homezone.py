"""
Just enough of Homezone, in memory, to test its simulator against a socket.

It keeps the simulator honest: it refuses what the acting member may not see or do, answers a
repeated Idempotency-Key with the first answer, and can be told to be busy, to fail, or to break
the contract.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

QQ = web.RequestKey("qq", int)
ROLE = web.RequestKey("role", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token(qq: int, role: str) -> str:
    return f"{role}.{qq}"


class Refusal(Exception):
    def __init__(self, status: int, name: str, **headers: str) -> None:
        super().__init__(name)
        self.status, self.name, self.headers = status, name, headers


class FakeHomezone:
    def __init__(self) -> None:
        self.accounts: dict[int, dict[str, Any]] = {}
        self.certified: dict[int, dict[str, Any]] = {}
        self.asked: set[tuple[int, int]] = set()
        self.blocks: set[tuple[int, int]] = set()
        self.follows: set[tuple[int, int]] = set()
        self.posts: dict[str, dict[str, Any]] = {}
        self.published = count()
        self.comments: dict[str, dict[str, Any]] = {}
        self.likes: dict[str, set[int]] = defaultdict(set)
        self.heads: dict[int, int] = defaultdict(int)
        self.requests: list[tuple[str, str]] = []
        self.keys: dict[str, tuple[int, Any]] = {}
        self.replays = 0
        # Faults to show: answers until it is busy once, what is broken, and how.
        self.busy_every = 0
        self.busy_first = 0
        self.broken: Callable[[web.Request], web.Response | None] = lambda request: None

    def write(self, id_: object, qq: int, status: int = 200, **more: Any) -> web.Response:
        position = self.position(qq)
        body = {"id": str(id_), "position": position, **more}
        return web.json_response(body, status=status, headers={"Homezone-Position": position})

    def friends(self, one: int, other: int) -> bool:
        return {(one, other), (other, one)} <= self.asked

    def position(self, qq: int) -> str:
        self.heads[qq % 16] += 1
        return f"{qq % 16}-{self.heads[qq % 16]}"

    def visible(self, viewer: int, post_id: str) -> dict[str, Any]:
        post = self.posts.get(post_id)
        if post is None:
            raise Refusal(404, "not-found")
        author = post["author"]["qq"]
        audience = post["audience"]
        if viewer == author:
            return post
        estranged = {(viewer, author), (author, viewer)} & self.blocks
        allowed = {
            "public": True,
            "friends": self.friends(viewer, author),
            "list": self.friends(viewer, author) and viewer in audience.get("list", ()),
            "only_me": False,
        }[audience["to"]]
        if estranged or not allowed:
            raise Refusal(404, "not-found")
        return post

    def own(self, qq: int, post_id: str) -> dict[str, Any]:
        post = self.visible(qq, post_id)
        if post["author"]["qq"] != qq:
            raise Refusal(403, "not-yours")
        return post


def application(fake: FakeHomezone) -> web.Application:
    routes = web.RouteTableDef()
    for add in (_members, _relations, _posts, _comments, _likes, _pages):
        add(routes, fake)
    app = web.Application(middlewares=[_doorman(fake)])
    app.add_routes(routes)
    return app


def _page(items: list[Any]) -> web.Response:
    return web.json_response({"items": items[:100], "next": None})


def _members(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    @routes.post("/v1/accounts")
    async def open_account(request: web.Request) -> web.Response:
        body = await request.json()
        if request[ROLE] != "operator":
            raise Refusal(403, "forbidden")
        assert set(body) == {"qq", "nickname", "real_name", "birth_date"}
        if body["qq"] in fake.accounts:
            raise Refusal(409, "qq-taken")
        fake.accounts[body["qq"]] = body
        return fake.write(body["qq"], body["qq"], 201)

    @routes.put("/v1/spaces/{qq}/certification")
    async def certify(request: web.Request) -> web.Response:
        body = await request.json()
        assert body["type"] in ("brand", "agency", "shop", "media", "celebrity")
        qq = int(request.match_info["qq"])
        fake.certified[qq] = body
        return fake.write(qq, qq)

    @routes.patch("/v1/me")
    async def profile(request: web.Request) -> web.Response:
        fake.accounts[request[QQ]]["nickname"] = (await request.json())["nickname"]
        return fake.write(request[QQ], request[QQ])


def _relations(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    def relation(name: str, pairs: Callable[[], set[tuple[int, int]]]) -> None:
        async def put(request: web.Request) -> web.Response:
            other = int(request.match_info["qq"])
            if other not in fake.accounts:
                raise Refusal(404, "not-found")
            pairs().add((request[QQ], other))
            return fake.write(other, request[QQ])

        async def delete(request: web.Request) -> web.Response:
            other = int(request.match_info["qq"])
            pairs().discard((request[QQ], other))
            if name == "friends":
                pairs().discard((other, request[QQ]))
            return fake.write(other, request[QQ])

        path = f"/v1/me/{name}/{{qq}}"
        routes.put(path)(put)
        routes.delete(path)(delete)

    relation("friends", lambda: fake.asked)
    relation("blocks", lambda: fake.blocks)
    relation("follows", lambda: fake.follows)

    @routes.get("/v1/me/friends")
    async def friends(request: web.Request) -> web.Response:
        me = request[QQ]
        return _page([{"qq": other} for other in fake.accounts if fake.friends(me, other)])


def _posts(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    @routes.post("/v1/posts")
    async def publish(request: web.Request) -> web.Response:
        body = await request.json()
        qq = request[QQ]
        assert body["text"]
        assert (body["kind"] == "diary") == ("title" in body)
        assert (body["kind"] == "share") == ("share_of" in body)
        assert (body["kind"] == "poll") == ("poll" in body)
        if "share_of" in body:
            fake.visible(qq, body["share_of"])
        id_ = f"post-{next(fake.published)}-{qq}"
        fake.posts[id_] = {**body, "id": id_, "author": {"qq": qq}}
        return fake.write(id_, qq, 201, state="published")

    @routes.get("/v1/posts/{id}")
    async def read_post(request: web.Request) -> web.Response:
        return web.json_response(fake.visible(request[QQ], request.match_info["id"]))

    @routes.patch("/v1/posts/{id}")
    async def edit(request: web.Request) -> web.Response:
        post = fake.own(request[QQ], request.match_info["id"])
        body = await request.json()
        assert ("title" in body) <= (post["kind"] == "diary")
        post.update(body)
        return fake.write(post["id"], request[QQ])

    @routes.put("/v1/posts/{id}/audience")
    async def audience(request: web.Request) -> web.Response:
        post = fake.own(request[QQ], request.match_info["id"])
        post["audience"] = await request.json()
        return fake.write(post["id"], request[QQ])

    @routes.delete("/v1/posts/{id}")
    async def withdraw(request: web.Request) -> web.Response:
        del fake.posts[fake.own(request[QQ], request.match_info["id"])["id"]]
        return fake.write(request.match_info["id"], request[QQ])


def _comments(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    @routes.post("/v1/posts/{id}/comments")
    async def comment(request: web.Request) -> web.Response:
        post = fake.visible(request[QQ], request.match_info["id"])
        body = await request.json()
        assert body["text"]
        if "reply_to" in body:
            assert fake.comments[body["reply_to"]]["post"] == post["id"]
        id_ = f"comment-{len(fake.comments)}"
        fake.comments[id_] = {**body, "id": id_, "post": post["id"], "qq": request[QQ]}
        return fake.write(id_, request[QQ], 201)

    @routes.get("/v1/posts/{id}/comments")
    async def read_comments(request: web.Request) -> web.Response:
        post = fake.visible(request[QQ], request.match_info["id"])
        return _page([each for each in fake.comments.values() if each["post"] == post["id"]])

    @routes.delete("/v1/comments/{id}")
    async def uncomment(request: web.Request) -> web.Response:
        found = fake.comments.get(request.match_info["id"])
        if found is None or found["qq"] != request[QQ]:
            raise Refusal(404, "not-found")
        found["post"] = None
        return fake.write(found["id"], request[QQ])


def _likes(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    @routes.put("/v1/posts/{id}/like")
    async def like(request: web.Request) -> web.Response:
        fake.likes[fake.visible(request[QQ], request.match_info["id"])["id"]].add(request[QQ])
        return fake.write(request.match_info["id"], request[QQ])

    @routes.put("/v1/posts/{id}/vote")
    async def vote(request: web.Request) -> web.Response:
        poll = fake.visible(request[QQ], request.match_info["id"])["poll"]
        chosen = (await request.json())["options"]
        assert 1 <= len(set(chosen)) == len(chosen) <= poll["choose"]
        assert max(chosen) < len(poll["options"])
        return fake.write(request.match_info["id"], request[QQ])

    @routes.delete("/v1/posts/{id}/like")
    async def unlike(request: web.Request) -> web.Response:
        fake.likes[request.match_info["id"]].discard(request[QQ])
        return fake.write(request.match_info["id"], request[QQ])

    @routes.get("/v1/posts/{id}/likes")
    async def read_likes(request: web.Request) -> web.Response:
        post = fake.visible(request[QQ], request.match_info["id"])
        return _page([{"qq": qq} for qq in fake.likes[post["id"]]])


def _pages(routes: web.RouteTableDef, fake: FakeHomezone) -> None:
    @routes.get("/v1/feed")
    async def feed(request: web.Request) -> web.Response:
        return _page([])

    @routes.get("/v1/spaces/{qq}")
    async def space(request: web.Request) -> web.Response:
        return web.json_response({"qq": int(request.match_info["qq"])})

    @routes.post("/v1/spaces/{qq}/visits")
    async def visit(request: web.Request) -> web.Response:
        return fake.write(request.match_info["qq"], request[QQ], 201)

    @routes.get("/v1/spaces/{qq}/posts")
    async def space_posts(request: web.Request) -> web.Response:
        return _page([])

    @routes.post("/v1/spaces/{qq}/messages")
    async def message(request: web.Request) -> web.Response:
        assert (await request.json())["text"]
        return fake.write("message", request[QQ], 201)

    @routes.get("/v1/spaces/{qq}/messages")
    async def board(request: web.Request) -> web.Response:
        return _page([])

    @routes.get("/v1/me/notifications")
    async def notifications(request: web.Request) -> web.Response:
        return _page([])

    @routes.get("/v1/me/notifications/unread")
    async def unread(request: web.Request) -> web.Response:
        return web.json_response({"count": 0, "more": False})


def _doorman(fake: FakeHomezone) -> Any:
    """Who asks, retries, faults and refusals, before and after any handler."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response(text="ok")
        role, qq = request.headers["Authorization"].removeprefix("Bearer ").split(".")
        request[ROLE], request[QQ] = role, int(qq)
        fake.requests.append((request.method, request.path))
        busy = fake.busy_every and len(fake.requests) % fake.busy_every == 0
        if busy or len(fake.requests) <= fake.busy_first:
            return _problem(Refusal(429, "too-many-requests", **{"Retry-After": "0"}))
        broken = fake.broken(request)
        if broken is not None:
            return broken
        for part in request.headers.get("Homezone-At-Least", "").split(","):
            if part:
                cell, sequence = map(int, part.split("-"))
                assert sequence <= fake.heads[cell], "asked for what was never written"
        try:
            if request.method != "GET" and role == "member" and int(qq) not in fake.accounts:
                raise Refusal(403, "no-account")
            return await _once(fake, request, handler)
        except Refusal as refusal:
            return _problem(refusal)

    return middleware


async def _once(fake: FakeHomezone, request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method == "GET":
        return await handler(request)
    key = request.headers["Idempotency-Key"]
    if key in fake.keys:
        fake.replays += 1
        status, body = fake.keys[key]
        headers = {"Homezone-Position": body["position"], "Idempotency-Replayed": "true"}
        return web.json_response(body, status=status, headers=headers)
    response = await handler(request)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    fake.keys[key] = (response.status, json.loads(response.body))
    return response


def _problem(refusal: Refusal) -> web.Response:
    return web.json_response(
        {"type": f"/problems/{refusal.name}", "title": refusal.name, "status": refusal.status},
        status=refusal.status,
        headers=refusal.headers,
        content_type="application/problem+json",
    )


@asynccontextmanager
async def serving(fake: FakeHomezone) -> AsyncIterator[str]:
    """The fake on a loopback socket; gives its address."""
    server = TestServer(application(fake), host="127.0.0.1")
    await server.start_server()
    try:
        yield str(server.make_url("/"))
    finally:
        await server.close()
