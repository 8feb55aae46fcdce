"""
``homezone backup`` and ``homezone restore`` as an operator uses them: real servers, real disks,
real accidents.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from adapters.clock import SystemClock
from adapters.vault import FileKeyVault
from api.cli import main
from api.tokens import Role
from api.wiring.tokens import token_issuer, utc_now
from domain.sealed import KeyClass
from tests.acceptance.processes import COMMAND, ServeProcess, one_line, run, serving
from tests.acceptance.test_albums import add, album
from tests.support.database import enterable_directory, fresh_database, remove_data
from tests.support.homezone import Client
from tests.support.waiting import eventually

_SHUOSHUO = {"kind": "shuoshuo", "text": "床前明月光", "audience": {"to": "public"}}


@pytest.fixture
def ground() -> Iterator[Path]:
    """Where data directories and backups may stand."""
    directory = enterable_directory()
    yield directory
    remove_data(directory)


def client(server: ServeProcess, qq: int, role: str = "member") -> Client:
    """Somebody with a token, made here: a process each would take a second each."""
    token = token_issuer(server.data_dir).issue(qq, Role(role), timedelta(hours=1), utc_now())
    return Client(("127.0.0.1", server.port), token, qq)


def join(server: ServeProcess, qq: int, nickname: str = "李白") -> Client:
    """A new member."""
    account = {"qq": qq, "nickname": nickname, "real_name": "李太白", "birth_date": "2001-02-03"}
    client(server, 10_000, "operator").post("/v1/accounts", account).ok(201)
    return client(server, qq)


def done(*arguments: object) -> str:
    """A command that succeeds: what it printed."""
    finished = run(*map(str, arguments), seconds=240)
    assert finished.returncode == 0, (finished.args, finished.stdout, finished.stderr)
    assert "Traceback" not in finished.stderr
    return finished.stdout


def refused(*arguments: object) -> str:
    """A command that fails, without a process for it: its one line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["homezone", *map(str, arguments)])
        with warnings.catch_warnings():
            # The library warns of reading sys.argv in a test, which is just what is meant here.
            warnings.simplefilter("ignore", UserWarning)
            with pytest.raises(SystemExit) as ended:
                main()
    status = ended.value.code
    assert isinstance(status, int)
    ended_as = subprocess.CompletedProcess("homezone", status, out.getvalue(), err.getvalue())
    return one_line(ended_as, 1)


def texts(reader: Client, qq: int) -> list[str | None]:
    """A member's posts, newest first."""
    return [post["text"] for post in reader.walk(f"/v1/spaces/{qq}/posts", limit=50)]


class Author(threading.Thread):
    """Somebody who goes on writing until told to stop, or until nobody answers."""

    def __init__(self, author: Client) -> None:
        super().__init__(daemon=True)
        self._author = author
        self.acknowledged: list[str] = []
        self.enough = threading.Event()
        self.some = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.enough.is_set():
            words = f"第{len(self.acknowledged)}首"
            try:
                self._author.publish(words)
            except (OSError, AssertionError):
                return
            self.acknowledged.append(words)
            if len(self.acknowledged) >= 20:
                self.some.set()


def test_what_was_answered_before_the_backup_began_survives_the_machine(ground: Path) -> None:
    backup, keys = ground / "backup", ground / "keys-copy"
    with serving(ground / "lost", "--limits", "off") as server:
        place = ("--data-dir", server.data_dir)
        first = join(server, 10_001)
        first.post("/v1/posts", _SHUOSHUO, key="once").ok(201)
        assert "part 1" in done("backup", backup, *place), "the base"
        kept = first.post("/v1/posts", _SHUOSHUO, key="twice").ok(201)
        author = Author(join(server, 10_002))
        assert author.some.wait(60)
        before = list(author.acknowledged)
        assert "part 2" in done("backup", backup, "--keys-to", keys, *place), "the tail"
        server.kill()
        author.join(60)
    keys.joinpath("master.key").write_bytes((server.data_dir / "keys/master.key").read_bytes())

    assert "would restore" in done(
        "restore", backup, "--check", "--keys", keys, "--data-dir", ground / "found"
    )
    assert not (ground / "found").exists(), "a check makes nothing"
    said = done("restore", backup, "--keys", keys, "--data-dir", ground / "found")
    assert "equal to its checkpoint" in said
    report = json.loads(done("status", "--json", "--data-dir", ground / "found"))
    assert set(report["projections"].values()) == {0}, "read models are there before a server is"
    with serving(ground / "found", "--limits", "off") as server:
        assert "rebuilding" not in server.said
        second = client(server, 10_002)
        found = texts(second, 10_002)[::-1]
        assert found[: len(before)] == before
        assert found == [f"第{number}首" for number in range(len(found))], "and none twice"
        first = client(server, 10_001)
        again = first.post("/v1/posts", _SHUOSHUO, key="twice").ok(201)
        assert again.json == kept.json
        assert again.headers["idempotency-replayed"] == "true"
        written = second.publish("life goes on")
        assert texts(second, 10_002)[0] == "life goes on"
        second.get(f"/v1/posts/{written.json['id']}", at_least=written.position).ok(200)
        place = ("--data-dir", server.data_dir)
        assert "equal to a rebuild" in done("replay", "check", *place)
        done("backup", backup, *place)
        assert "nothing new" in done("backup", backup, *place)


def test_a_moment_before_a_deletion_has_the_post_again(ground: Path) -> None:
    backup = ground / "backup"
    with serving(ground / "data") as server:
        place = ("--data-dir", server.data_dir)
        author, friend = join(server, 10_001), join(server, 10_002)
        author.befriend(friend)
        written = author.publish("千山鸟飞绝", to="friends")
        post = written.json["id"]
        liked = friend.put(f"/v1/posts/{post}/like").ok(200)
        audit = client(server, 10_000, "auditor")
        (event,) = audit.walk("/v1/audit/events", type="like.given.v1")
        done("backup", backup, *place)
        author.delete(f"/v1/posts/{post}").ok()
        late = author.publish("万径人踪灭")
        done("backup", backup, *place)
        keys = server.data_dir / "keys"

    target = ground / "by-time"
    done("restore", backup, "--until", event["recorded_at"], "--keys", keys, "--data-dir", target)
    before = json.loads(done("status", "--json", "--data-dir", target))
    with serving(target) as server:
        shown = client(server, 10_002).get(f"/v1/posts/{post}").ok(200).json
        assert (shown["text"], shown["likes"], shown["liked"]) == ("千山鸟飞绝", 1, True)
        client(server, 10_002).get(f"/v1/posts/{late.json['id']}").refused(404)
        assert texts(client(server, 10_001), 10_001) == ["千山鸟飞绝"]
        client(server, 10_001).publish("孤舟蓑笠翁")
        assert "equal to a rebuild" in done("replay", "check", "--data-dir", target)
        assert "another history" in refused("backup", backup, "--data-dir", target)

    target = ground / "by-position"
    done("restore", backup, "--until", liked.position, "--keys", keys, "--data-dir", target)
    assert json.loads(done("status", "--json", "--data-dir", target))["heads"] == before["heads"]

    target = ground / "end"
    beyond = "2126-11-22T08:00:00Z"
    assert "ends at" in refused(
        "restore", backup, "--until", beyond, "--keys", keys, "--data-dir", target
    )
    assert "no event" in refused(
        "restore", backup, "--until", "0-999999", "--keys", keys, "--data-dir", target
    )
    assert not target.exists(), "nothing is made for a moment that is not there"


def test_who_was_erased_stays_erased_on_every_surface(ground: Path) -> None:
    backup, copied = ground / "backup", ground / "copied"
    with serving(ground / "data") as server:
        place = ("--data-dir", server.data_dir)
        gone, kept = join(server, 10_001, "张三"), join(server, 10_002, "李四")
        gone.befriend(kept)
        mine = gone.publish("将被遗忘的话", to="friends").json["id"]
        theirs = kept.publish("留下的话", to="friends").json["id"]
        gone.comment(theirs, "将被遗忘的评论").ok(201)
        member = UUID(gone.get("/v1/me").ok(200).json["id"])
        done("backup", backup, "--keys-to", copied, *place)
        vault = FileKeyVault(server.data_dir / "keys", SystemClock())
        try:
            for key_class in (KeyClass.CONTENT, KeyClass.IDENTITY):
                assert vault.destroy(member, key_class)
        finally:
            vault.close()
        keys = server.data_dir / "keys"
        copied.joinpath("master.key").write_bytes(keys.joinpath("master.key").read_bytes())

        # The vault knows, the backup does not.
        said = done("restore", backup, "--keys", keys, "--data-dir", ground / "current")
        assert "erased keys: 2, of which destroyed again: 0" in said
        # The backup knows, the vault does not: an older one was put back. Going back to a moment
        # before the erasure brings nobody back either.
        (event,) = client(server, 10_000, "auditor").walk(
            "/v1/audit/events", type="comment.written.v1"
        )
        done("backup", backup, *place)
        moment = ("--until", event["recorded_at"])
        said = done("restore", backup, *moment, "--keys", copied, "--data-dir", ground / "older")
        assert "erased keys: 2, of which destroyed again: 2" in said

    for target in (ground / "current", ground / "older"):
        with serving(target) as server:
            reader = client(server, 10_002)
            compliance = client(server, 10_000, "compliance")
            purpose = {"Homezone-Purpose": "a complaint"}
            answers = [
                reader.get("/v1/feed"),
                reader.get(f"/v1/posts/{mine}"),
                reader.get(f"/v1/posts/{theirs}/comments"),
                reader.get("/v1/me/friends", state="friends"),
                reader.get("/v1/spaces/10001"),
                reader.get("/v1/spaces/10001/posts"),
                reader.get("/v1/spaces/10001/timeline"),
                client(server, 10_001).get("/v1/me"),
                compliance.request("GET", "/v1/audit/events?limit=100", headers=purpose),
            ]
            for answer in answers:
                assert answer.status < 500, answer
                shown = answer.body.decode()
                assert "将被遗忘" not in shown, (target, shown)
                assert "张三" not in shown, (target, shown)
            assert "李四" in answers[-1].body.decode(), "what nobody erased can be opened"
            assert texts(reader, 10_002) == ["留下的话"]


def test_a_restored_backup_forgets_again(ground: Path) -> None:
    """Members and the bytes of their photos, from a backup of before they asked."""
    backup = ground / "backup"
    soon = ("--erasure-wait", "1s")
    with serving(ground / "data", *soon) as server:
        place = ("--data-dir", server.data_dir)
        gone, kept = join(server, 10_001, "张三"), join(server, 10_002, "李四")
        gone.befriend(kept)
        mine = gone.publish("将被遗忘的话").json["id"]
        photo = add(gone, album(gone), 1)
        done("backup", backup, *place)
        gone.post("/v1/me/erasure", {}).ok(202)
        objects = server.data_dir / "photos" / "objects"
        eventually(lambda: not list(objects.glob("*/*/*")))
    keys = ground / "data" / "keys"
    said = done("restore", backup, "--keys", keys, "--data-dir", ground / "found")
    assert "photos: 3 files" in said
    with serving(ground / "found", *soon) as server:
        reader, auditor = client(server, 10_002), client(server, 10_000, "auditor")
        client(server, 10_001).get("/v1/me").refused(403, "no-account")
        for path in (f"/v1/posts/{mine}", "/v1/spaces/10001", f"/v1/photos/{photo}/content"):
            reader.get(path).refused(404, "not-found")
        assert reader.walk("/v1/me/friends") == []
        objects = server.data_dir / "photos" / "objects"
        eventually(lambda: not list(objects.glob("*/*/*")))
        (begun,) = auditor.walk("/v1/audit/events", type="erasure.begun.v1")
        assert begun["data"]["again"] is True
    done("replay", "check", "--data-dir", ground / "found")


def test_photos_come_back_with_the_store_and_those_that_were_deleted_do_not(ground: Path) -> None:
    backup, keys = ground / "backup", ground / "keys-copy"

    def originals(member: Client, photos: list[str]) -> list[bytes | None]:
        shown = [member.get(f"/v1/photos/{one}/content", size="original") for one in photos]
        return [one.body if one.status == 200 else None for one in shown]

    with serving(ground / "lost", "--limits", "off") as server:
        place = ("--data-dir", server.data_dir)
        member = join(server, 10_001)
        mine, other = album(member), album(member)
        photos = [add(member, mine, 1), add(member, mine, 2), add(member, other, 3)]
        assert "photos: 9 files" in done("backup", backup, *place)
        member.delete(f"/v1/photos/{photos[0]}").ok(200)
        member.delete(f"/v1/albums/{other}").ok(200)
        photos.append(add(member, mine, 4))
        assert "photos: 3 files" in done("backup", backup, "--keys-to", keys, *place)
        assert "photos" not in done("backup", backup, *place), "nothing is new"
        kept = originals(member, photos)
        assert [one is None for one in kept] == [True, False, True, False]
    keys.joinpath("master.key").write_bytes((server.data_dir / "keys/master.key").read_bytes())
    checked = done("restore", backup, "--check", "--keys", keys, "--data-dir", ground / "no")
    assert "photos: 12 files, each what its name says" in checked
    strange = ground / "found/photos/objects/ab/cd/stray"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"was here before")
    said = done("restore", backup, "--keys", keys, "--data-dir", ground / "found")
    assert "photos: 6 files, each what its name says" in said
    with serving(ground / "found", "--limits", "off") as server:
        member = client(server, 10_001)
        assert originals(member, photos) == kept
        assert originals(member, [add(member, mine, 5)]) != [None]
    (path,) = list((backup / "photos").rglob(_digest_of(ground / "found")))
    path.unlink()
    said = done("restore", backup, "--keys", keys, "--data-dir", ground / "again")
    assert "photos: 5 files; 1 are missing: they were not backed up" in said
    assert "photos stay in their bucket" in done(
        "backup",
        ground / "elsewhere",
        "--object-store",
        "s3://photos",
        "--data-dir",
        ground / "again",
    )
    other_path = next(one for one in (backup / "photos").rglob("*") if one.is_file())
    other_path.write_bytes(b"altered")
    failed = run(
        "restore", str(backup), "--check", "--keys", str(keys), "--data-dir", str(ground / "x")
    )
    assert "is damaged: it is not what its name says" in one_line(failed, 1)


def _digest_of(data_dir: Path) -> str:
    """The name of some photo's file that a restore put there."""
    found = [path.name for path in (data_dir / "photos/objects").rglob("*") if path.is_file()]
    return min(one for one in found if one != "stray" and one in _in_backup(data_dir.parent))


def _in_backup(ground: Path) -> set[str]:
    return {path.name for path in (ground / "backup/photos").rglob("*") if path.is_file()}


def test_a_damaged_backup_is_refused_and_nothing_is_made(ground: Path) -> None:
    backup = ground / "backup"
    with serving(ground / "data") as server:
        join(server, 10_001).publish()
        done("backup", backup, "--data-dir", server.data_dir)
        join(server, 10_002).publish()
        done("backup", backup, "--data-dir", server.data_dir)
        keys = server.data_dir / "keys"
        line = refused("restore", backup, "--data-dir", server.data_dir)
        assert "not empty" in line, "a store that is served is not restored over"
    (ground / "data" / "address").unlink()
    assert "already" in refused("restore", backup, "--data-dir", ground / "data"), "nor any other"
    assert "nothing new" in done("backup", backup, "--data-dir", ground / "data"), "it is as it was"
    target = ground / "target"
    arguments = ("restore", backup, "--keys", keys, "--data-dir", target)
    for name, at in (("00000001.events.gz", 60), ("00000001.json", 300), ("00000002.keys.gz", -1)):
        path = backup / name
        whole = bytearray(path.read_bytes())
        whole[at] ^= 1
        path.rename(ground / "aside")
        path.write_bytes(whole)
        assert name in refused(*arguments)
        (ground / "aside").rename(path)
    (backup / "00000001.events.gz").rename(ground / "aside")
    assert "00000001.events.gz is missing" in refused(*arguments)
    (ground / "aside").rename(backup / "00000001.events.gz")
    assert not target.exists()
    assert "no backup" in refused("restore", ground / "nowhere", *arguments[2:])
    strange = ground / "strange"
    strange.mkdir()
    (strange / "letter").write_text("dear")
    assert "other things" in refused("backup", strange, "--data-dir", ground / "data")
    assert "other things" in refused("restore", strange, *arguments[2:])
    assert "keys" in refused("restore", backup, "--data-dir", target), "keys are no part of it"
    other = ground / "other-keys"
    FileKeyVault(other, SystemClock()).close()
    line = refused("restore", backup, "--keys", other, "--data-dir", target)
    assert "another key vault" in line
    assert "no store" in refused("backup", ground / "new", "--data-dir", ground / "nobody")
    assert not (ground / "nobody").exists()
    target.mkdir()
    (target / "letter").write_text("dear")
    assert "not empty" in refused(*arguments)
    assert [path.name for path in target.iterdir()] == ["letter"]
    own = ground / "own-keys" / "keys"
    own.mkdir(parents=True)
    (own / "keys.db").write_bytes(b"of another vault")
    assert "has keys already" in refused(*arguments[:-1], own.parent)
    assert [path.name for path in own.parent.rglob("*")] == ["keys", "keys.db"], "it is as it was"


def test_an_interrupted_restore_is_not_served_and_can_be_repeated(ground: Path) -> None:
    backup = ground / "backup"
    with serving(ground / "data") as server:
        author = join(server, 10_001)
        for number in range(30):
            author.publish(f"第{number}首")
        done("backup", backup, "--data-dir", server.data_dir)
        keys = server.data_dir / "keys"
    target = ground / "target"
    arguments = ("restore", str(backup), "--keys", str(keys), "--data-dir", str(target))
    killed = subprocess.Popen([COMMAND, *arguments], start_new_session=True)
    wait_until(lambda: (target / "restoring").exists() and has_postmaster(killed.pid))
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait(60) == -signal.SIGKILL
    assert (target / "restoring").exists()
    place = ("--data-dir", target)
    served = run("serve", "--port", "0", "--data-dir", str(target))
    assert "has not finished" in one_line(served, 1)
    for command in (("status",), ("backup", ground / "other"), ("replay", "check")):
        assert "has not finished" in refused(*command, *place)
    done(*arguments)
    assert not (target / "restoring").exists()
    with serving(target) as server:
        assert len(texts(client(server, 10_001), 10_001)) == 30


def has_postmaster(pid: int) -> bool:
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # initdb's come and go
            if child.name() == "postgres":
                return True
    return False


def wait_until(condition: "object") -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_a_full_disk_is_said_in_one_line_and_costs_nothing(ground: Path) -> None:
    with serving(ground / "data") as server:
        author = join(server, 10_001)
        place = ("--data-dir", str(server.data_dir))
        done("backup", ground / "backup", *place)
        for _ in range(40):
            author.publish("床前明月光" * 100)
        files = sorted(path.name for path in (ground / "backup").iterdir())
        with small_disk(ground / "small") as small:
            assert "No space left" in refused("backup", small / "backup", *place)
            assert not list((small / "backup").glob("*.json"))
        limited = ["/bin/sh", "-c", 'ulimit -f 8; exec "$0" "$@"', COMMAND]
        failed = subprocess.run(
            [*limited, "backup", str(ground / "backup"), *place],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "cannot write" in one_line(failed, 1)
        assert sorted(path.name for path in (ground / "backup").iterdir()) == files
        assert "part 2" in done("backup", ground / "backup", *place)


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of 64 kB; root's alone to make."""
    directory.mkdir()
    options = ("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory))
    if os.geteuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_from_one_postgres_to_another(ground: Path, server_url: str) -> None:
    """The backup of an embedded store is restored into a PostgreSQL of one's own, and back."""
    backup = ground / "backup"
    with serving(ground / "data", "--cells", "3") as server:
        join(server, 10_001).publish("出发")
        done("backup", backup, "--data-dir", server.data_dir)
        keys = server.data_dir / "keys"
    with fresh_database(server_url) as url:
        place = ("--data-dir", ground / "outside", "--database-url", url)
        done("restore", backup, "--keys", keys, *place)
        with serving(ground / "outside", "--database-url", url) as server:
            member = client(server, 10_001)
            assert texts(member, 10_001) == ["出发"]
            member.publish("抵达")
            assert "part 2" in done("backup", backup, *place)
            events = json.loads(done("status", "--json", *place))["events"]
        assert "already" in refused("restore", backup, *place)
    done("restore", backup, "--keys", keys, "--data-dir", ground / "back")
    report = json.loads(done("status", "--json", "--data-dir", ground / "back"))
    assert (report["cells"], report["embedded"]) == (3, True)
    assert report["events"] == events
