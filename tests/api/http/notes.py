"""
A toy API made with the kit: notes that people write, read, change and delete.

It uses every convention once, so that the kit can be tested without Homezone.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from api.http import (
    LAST_EVENT_ID,
    PURPOSE,
    Answer,
    Call,
    Channel,
    Hooks,
    Info,
    Page,
    Paging,
    Problem,
    Route,
    Routes,
    Written,
    application,
    bad_field,
    found,
    not_found,
    nothing,
    serve_events,
    written,
)
from api.http.call import B, Principal, Q
from api.http.positions import Vector
from domain.event import Refused

TOKENS = {"ann": (10001, "member"), "bob": (10002, "member"), "mod": (10003, "moderator")}
Title = Annotated[str, Meta(min_length=1, max_length=20)]
Colour = Literal["red", "green"]


class User(Struct, frozen=True):
    qq: int
    role: str


class InvalidToken(Exception):
    pass


class NewNote(Struct, frozen=True, forbid_unknown_fields=True):
    """A note as its writer sends it."""

    title: Title
    text: Annotated[str, Meta(max_length=1000)] = ""
    colour: Colour | None = None
    images: Annotated[list[UUID], Meta(max_length=9)] = []


class ChangeNote(Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET


class Text(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="text"):
    text: Annotated[str, Meta(max_length=10)]


class Link(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="link"):
    number: Annotated[int, Meta(ge=0, le=9)]


class Note(Struct, frozen=True):
    id: UUID
    author: int
    title: str
    text: str
    colour: Colour | None
    created_at: Annotated[datetime, Meta(tz=True)]
    version: int


class NotesQuery(Paging, frozen=True, forbid_unknown_fields=True):
    colour: Colour | None = None


class Notes:
    """Everything the toy remembers."""

    def __init__(self) -> None:
        self.notes: dict[UUID, Note] = {}
        self.position = 0
        self.keys: dict[str, tuple[bytes, bytes, str]] = {}
        self.channels: list[Channel] = []
        self.fresh_to = 10**9

    def save(self, note: Note) -> str:
        self.notes[note.id] = note
        self.position += 1
        return f"{note.author % 16}-{self.position}"

    def get(self, id: UUID, qq: int) -> Note:
        note = self.notes.get(id)
        if note is None or note.author != qq:
            raise not_found()
        return note


Ask = Call[Notes, User, B, Q]
MEMBERS = ("member", "moderator")
routes = Routes()


@routes.post(
    "/v1/notes",
    tag="notes",
    summary="Write a note",
    body=NewNote,
    answer=Written,
    roles=MEMBERS,
    problems=("forbidden-word",),
    links=("read_note", "change_note", "delete_note"),
    example=NewNote("Groceries", "Milk, tea"),
)
async def write_note(call: Ask[NewNote, None]) -> Answer:
    """Notes are seen by their writer alone."""
    if "forbidden" in call.body.title:
        raise Refused("forbidden-word", "It holds a word that is not allowed.", "/title")
    if call.body.images:
        raise bad_field("/images/0", "no such image")
    known = call.idempotency_key
    if known in call.app.keys:
        digest, first, position = call.app.keys[known]
        if digest != call.digest():
            raise Refused("key-reused")
        return written(first, position, replayed=True)
    now = datetime.now(UTC)
    body = call.body
    note = Note(uuid4(), call.viewer.qq, body.title, body.text, body.colour, now, 1)
    position = call.app.save(note)
    answer = written(Written(note.id, position), position)
    if known is not None:
        call.app.keys[known] = (call.digest(), answer.body, position)
    return answer


@routes.get(
    "/v1/notes", tag="notes", summary="Notes", query=NotesQuery, answer=Page[Note], roles=()
)
async def list_notes(call: Ask[None, NotesQuery]) -> Answer:
    place = call.after(tuple[datetime, UUID])
    mine = sorted(
        (
            note
            for note in call.app.notes.values()
            if note.author == call.viewer.qq
            and (call.query.colour is None or note.colour == call.query.colour)
        ),
        key=lambda note: (note.created_at, note.id),
    )
    rest = [note for note in mine if place is None or (note.created_at, note.id) > place]
    shown = rest[: call.query.limit]
    more = len(rest) > len(shown)
    return call.page(shown, (shown[-1].created_at, shown[-1].id) if more else None)


@routes.get(
    "/v1/notes/{id}",
    tag="notes",
    summary="A note",
    answer=Note,
    roles=(),
    versioned=True,
    headers=(PURPOSE,),
)
async def read_note(call: Ask[None, None]) -> Answer:
    note = call.app.get(call.uuid(), call.viewer.qq)
    return found(note, note.version)


@routes.patch(
    "/v1/notes/{id}",
    tag="notes",
    summary="Change a note",
    body=ChangeNote,
    answer=Written,
    roles=(),
    conditional=True,
    versioned=True,
)
async def change_note(call: Ask[ChangeNote, None]) -> Answer:
    note = call.app.get(call.uuid(), call.viewer.qq)
    call.check_version(note.version)
    title = note.title if call.body.title is UNSET else call.body.title
    text = note.text if call.body.text is UNSET else call.body.text
    version = note.version + 1
    changed = Note(note.id, note.author, title, text, note.colour, note.created_at, version)
    position = call.app.save(changed)
    return written(Written(note.id, position), position, version=version)


@routes.delete("/v1/notes/{id}", tag="notes", summary="Delete", answer=Written, roles=())
async def delete_note(call: Ask[None, None]) -> Answer:
    note = call.app.get(call.uuid(), call.viewer.qq)
    position = call.app.save(note)
    del call.app.notes[note.id]
    return written(Written(note.id, position), position)


@routes.post(
    "/v1/things", tag="other", summary="A tagged union", body=Text | Link, answer=None,
    roles=("moderator",), status=204, write=False,
)  # fmt: skip
async def post_thing(call: Ask[Text | Link, None]) -> Answer:
    return nothing()


@routes.get("/v1/spaces/{qq}", tag="other", summary="A member", answer=dict[str, int], roles=None)
async def read_space(call: Ask[None, None]) -> Answer:
    return found({"qq": call.qq()})


events = Routes()


@events.get(
    "/v1/stream", tag="other", summary="Events", answer=str, roles=(),
    media_type="text/event-stream", headers=(LAST_EVENT_ID,),
)  # fmt: skip
async def stream(call: Ask[None, None]) -> web.StreamResponse:
    channel = Channel(call.header(LAST_EVENT_ID), length_max=3)
    call.app.channels.append(channel)
    return await serve_events(call.request, channel, heartbeat_seconds=0.2)


@events.get("/v1/broken", tag="other", summary="Fails", answer=dict[str, int], roles=None)
async def broken(call: Ask[None, None]) -> Answer:
    raise RuntimeError("a secret that must not leave")


@events.get("/healthz", tag="other", summary="Alive", answer=dict[str, str], roles=None)
async def healthz(call: Ask[None, None]) -> Answer:
    return found({"status": "ok"})


def make(notes: Notes | None = None, *parts: Routes) -> web.Application:
    """The toy as an application; tests that a fuzzer cannot drive are in ``events``."""
    state = Notes() if notes is None else notes

    async def authenticate(token: str) -> Principal:
        if token not in TOKENS:
            raise InvalidToken
        return User(*TOKENS[token])

    async def admit(principal: Principal, route: Route) -> User:
        assert isinstance(principal, User)
        return principal

    async def at_least(wanted: Vector) -> None:
        if max(wanted.values()) > state.fresh_to:
            raise TimeoutError

    return application(
        parts or (routes, events),
        state,
        Hooks(authenticate=authenticate, refuses=InvalidToken, admit=admit, at_least=at_least),
        info=Info("Notes", "1.0", "Notes.", (("notes", "Notes."), ("other", "The rest."))),
        cursor_secret=b"0123456789abcdef",
        problems=(Problem("forbidden-word", 422, "Refused", "It holds a forbidden word."),),
    )
