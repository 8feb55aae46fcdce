"""
What is sealed stays sealed: unmistakable words of every kind, planted over HTTP into a running
server, are nowhere to be found in its data directory, its database's files or anybody's logs.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b, md5, sha256, sha512
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from sqlalchemy import make_url

from tests.acceptance.processes import ServeProcess, run, serving
from tests.support.database import enterable_directory, remove_data
from tests.support.homezone import Client
from tests.support.rail import LocalRail, local_rail

QQ, OTHER_QQ = 71_828_182_845, 31_415_926_535
#: In every text that is planted, so that one search finds any of them.
CORE = "unmistakable"
SECRETS = {
    name: f"{CORE}-{name}"
    for name in (
        "text", "edited", "deleted", "diary", "title", "mood", "location", "comment", "nick",
        "renick", "real-name", "list", "brand", "reason", "purpose", "refused", "report",
        "explanation", "facts", "note", "public-note", "statement", "rail-ref", "bonus", "refund",
    )
}  # fmt: skip
CHINESE = "藏鋒斂鍔之辭"
BORN = "1913-07-19"
#: What to look for: whatever holds any of the secrets holds one of these.
WORDS = (CORE, CHINESE, BORN, str(QQ), str(OTHER_QQ))
#: In plain sight on purpose: that it is found shows that the search finds.
CONTROL = "the-word-that-is-found"


def spellings(word: str) -> Iterator[bytes]:
    """How a word may lie in a file: encodings, escapes, and base64 at each of three offsets."""
    yield from (word.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be"))
    for escaped in (json.dumps(word)[1:-1], quote(word), word[::-1]):
        yield escaped.encode()
    yield word.encode().hex().encode()
    yield word.encode("gb18030")
    raw = word.encode()
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + raw)
        # The first and the last characters depend on what stands beside the word.
        inner = padded[(0, 2, 3)[offset] : len(padded) // 4 * 4 - 4]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def search(directories: Iterable[Path], words: Iterable[str]) -> dict[str, set[bytes]]:
    """The files that hold a word, by name, with what was found."""
    wanted = {spelled for word in words for spelled in spellings(word)}
    assert all(len(spelled) >= 8 for spelled in wanted)
    return find(directories, wanted)


def find(directories: Iterable[Path], wanted: Iterable[bytes]) -> dict[str, set[bytes]]:
    """The files that hold one of these byte strings."""
    wanted = set(wanted)
    files = {path.resolve() for directory in directories for path in directory.rglob("*")}
    found: dict[str, set[bytes]] = {}
    for path in files:
        if path.is_file():
            content = path.read_bytes()
            if hits := {spelled for spelled in wanted if spelled in content}:
                found[str(path)] = hits
    return found


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def plant(server: ServeProcess, rail: LocalRail) -> None:
    """Say every secret through the door that is meant for it, and read it back."""
    said = SECRETS
    operator = server.client(10_000, "operator")
    for qq in (QQ, OTHER_QQ):
        account = {
            "qq": qq,
            "nickname": said["nick"],
            "real_name": said["real-name"],
            "birth_date": BORN,
        }
        operator.post("/v1/accounts", account, key=f"open-{qq % 7}").ok(201)
        operator.post("/v1/accounts", account).refused(409)
    one, other = server.client(QQ), server.client(OTHER_QQ)
    profile = {"nickname": said["renick"], "location_consent": True}
    one.patch("/v1/me", profile, key="nick").ok()
    one.befriend(other)
    one.put("/v1/me/lists", {"name": said["list"], "members": [OTHER_QQ]}, key="list").ok()
    post = one.publish(
        said["text"], to=said["list"], mood=said["mood"], location=said["location"]
    ).json["id"]
    one.publish(CHINESE, to=[OTHER_QQ])
    diary = {"kind": "diary", "title": said["title"], "text": said["diary"],
             "audience": {"to": "public"}}  # fmt: skip
    one.post("/v1/posts", diary, key="diary").ok(201)
    gone = one.publish(said["deleted"]).json["id"]
    one.delete(f"/v1/posts/{gone}").ok()
    other.comment(post, said["comment"]).ok(201)
    other.put(f"/v1/posts/{post}/like").ok()
    one.patch(f"/v1/posts/{post}", {"text": said["edited"]}, key="edit").ok()
    certified = {"type": "brand", "name": said["brand"]}
    operator.put(f"/v1/spaces/{QQ}/certification", certified, key="brand").ok()
    other.put(f"/v1/me/follows/{QQ}").ok()
    refuse(one, other, said["refused"])
    auditor = server.client(10_001, "compliance")
    purpose = {"Homezone-Purpose": said["purpose"]}
    opened = auditor.request("GET", "/v1/audit/events?limit=100", headers=purpose).ok(200)
    assert said["real-name"] in opened.body.decode()
    feed = other.get("/v1/feed", at_least=post_position(one, post)).ok(200).body.decode()
    assert said["title"] in feed
    moderate(server, one, other)
    pay(server, one, rail)
    operator.put(f"/v1/accounts/{OTHER_QQ}/suspension", {"reason": said["reason"]}).ok()
    other.get("/v1/feed").refused(403)


def moderate(server: ServeProcess, one: Client, other: Client) -> None:
    """What is said about a member is as sealed as what the member said."""
    said, moderator = SECRETS, server.client(10_002, "moderator")
    post = one.publish(said["text"]).json["id"]
    report = {"subject": {"kind": "post", "id": post}, "category": "spam", "note": said["report"]}
    position = other.post("/v1/reports", report, key="report").ok(201).position
    (case,) = moderator.get("/v1/moderation/cases", at_least=position).ok(200).json["items"]
    where = f"/v1/moderation/cases/{case['id']}"
    for visibility, note in (("internal", said["note"]), ("public", said["public-note"])):
        moderator.post(f"{where}/notes", {"note": note, "visibility": visibility}, key=note).ok(201)
    decision = {
        "verdict": "unpublish", "ground": "terms", "clause": "4.2", "category": "spam",
        "explanation": said["explanation"], "facts": said["facts"], "note": said["note"],
    }  # fmt: skip
    moderator.post(f"{where}/decisions", decision, key="decide").ok(201)
    # The space is certified, so it takes a second person.
    agreed = {"agree": True, "note": said["note"]}
    second = server.client(10_003, "moderator")
    decided = second.post(f"{where}/confirmations", agreed, key="agree").ok(201)
    told = one.get("/v1/me/decisions", at_least=decided.position).ok(200).json["items"][0]
    assert told["explanation"] == said["explanation"]
    assert told["notes"][0]["note"] == said["public-note"]
    appeal = {"decision": told["id"], "statement": said["statement"]}
    one.post("/v1/appeals", appeal, key="appeal").ok(201)
    moderator.request("GET", where, headers={"Homezone-Purpose": said["purpose"]}).ok(200)


def pay(server: ServeProcess, one: Client, rail: LocalRail) -> None:
    """What a payment is called on its rail, and why coins were given, are sealed, too."""
    said, operator = SECRETS, server.client(10_000, "operator")
    rail.set(said["rail-ref"], "paid", 50)
    claim = {"coins": 50, "rail": "local", "rail_ref": said["rail-ref"]}
    one.post("/v1/me/topups", claim, key="pay").ok(201)
    bonus = {"coins": 1, "days": 1, "reason": said["bonus"]}
    operator.post(f"/v1/accounts/{QQ}/bonuses", bonus, key="bonus").ok(201)
    terms = {"kind": "theme", "title": "snow", "price_coins": 5}
    item = operator.post("/v1/mall/items", terms).ok(201).json["id"]
    order = one.post("/v1/orders", {"item": item}, key="order").ok(201).json["id"]
    reason = {"reason": said["refund"]}
    operator.post(f"/v1/orders/{order}/refunds", reason, key="refund").ok(201)
    purpose = {"Homezone-Purpose": said["purpose"]}
    found = server.client(10_001, "auditor").request(
        "GET", "/v1/audit/events?type=payment.claimed.v1", headers=purpose
    )
    assert said["rail-ref"] in found.ok(200).body.decode()


def post_position(member: Client, post: str) -> str:
    return str(member.get(f"/v1/posts/{post}").ok().json["position"])


def refuse(one: Client, other: Client, text: str) -> None:
    """What is refused leaves nothing behind either, in the database or in a log."""
    body = {"kind": "shuoshuo", "text": text, "audience": {"to": "public"}}
    one.post("/v1/posts", {**body, "mood": text * 10}).refused(422)
    one.post("/v1/posts", {**body, "images": [text]}).refused(400)
    one.post("/v1/posts", {text: text}).refused(400)
    one.post("/v1/posts", raw=f'{{"text":"{text}'.encode()).refused(400)
    one.post("/v1/posts", {**body, "audience": {"to": "list", "name": text}}, key="no")
    one.put(f"/v1/me/friends/{QQ}", key="self").refused(422)
    other.get(f"/v1/posts/{text}").refused(404)
    other.get("/v1/feed", cursor=text).refused(400)
    other.get("/v1/nowhere", q=text).refused(404)
    Client(one._address, f"{text}.{text}.{text}").get("/v1/me").refused(401)


def guessable_digests() -> Iterator[bytes]:
    """What a short request or a number hashes to: whoever guesses it, sees that it was right."""
    edit = f'{{"nickname": "{SECRETS["renick"]}"}}'.encode()
    for plain in (str(QQ).encode(), edit, b"PATCH /v1/me\n" + edit, BORN.encode()):
        for digest in (sha256, sha512, md5, blake2b):
            yield digest(plain).digest()
            yield digest(plain).hexdigest().encode()


def database_url(server: ServeProcess) -> str:
    done = run("status", "--json", "--data-dir", str(server.data_dir))
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["database_url"])


def checkpoint(url: str) -> Path:
    """Have everything written to files, a control word too; returns where they are."""
    for_libpq = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(for_libpq.render_as_string(hide_password=False))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE public.control (word text)")
            cursor.execute("INSERT INTO public.control VALUES (%s)", [CONTROL])
            # Errors quote what they were given: a log that took them would show it.
            for wrong in ("SELECT %s::int", "INSERT INTO public.control VALUES (%s::date)"):
                with pytest.raises(psycopg2.Error):
                    cursor.execute(wrong, [SECRETS["text"]])
            cursor.execute("CHECKPOINT")
            cursor.execute("SHOW data_directory")
            found = cursor.fetchone()
            assert found is not None
            return Path(found[0])
    finally:
        connection.close()


def test_nothing_that_is_sealed_is_ever_in_plain(ground: Path) -> None:
    place = ground / "secrets"
    with local_rail() as rail, serving(place, "--rails", f"local={rail.url}") as server:
        plant(server, rail)
        files = checkpoint(database_url(server))
        places = {place, files, server.log.parent}
    control = search(places, [CONTROL])
    assert any("base" in name for name in control), "the tables' files are searched"
    assert any("pg_wal" in name for name in control), "the journal is searched"
    assert search(places, WORDS) == {}
    assert find(places, guessable_digests()) == {}
    with serving(place) as server:
        # After a restart the words are still there for those who may read them.
        feed = server.client(QQ).walk(f"/v1/spaces/{QQ}/posts")
        assert CHINESE in [post["text"] for post in feed]


@pytest.mark.parametrize("word", WORDS)
def test_the_search_finds_every_spelling(tmp_path: Path, word: str) -> None:
    for number, spelled in enumerate(spellings(word)):
        (tmp_path / "file").write_bytes(b"\x01\x02" * number + spelled + b"\xff" * 3)
        assert search([tmp_path], [word]), spelled
    for offset in range(3):
        around = base64.b64encode(b"{" * offset + word.encode() + b"}" * 7)
        (tmp_path / "file").write_bytes(around)
        assert search([tmp_path], [word]), around
    (tmp_path / "file").write_bytes(b"nothing to be seen here")
    assert search([tmp_path], [word]) == {}
