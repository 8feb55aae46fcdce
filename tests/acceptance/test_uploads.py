"""
Uploads by tus 1.0, from outside: interrupted, resumed, checked, forgotten.
"""

import os
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.acceptance.conftest import Moved
from tests.support.database import fresh_database
from tests.support.homezone import Client, Reply, RunningHomezone, running_homezone
from tests.support.s3 import S3, free_port, running_s3
from tests.support.tus import (
    BYTES,
    RESUMABLE,
    Dropped,
    begin,
    checksum,
    location,
    offset,
    send,
)
from tests.support.waiting import eventually

MEBI = 1 << 20


@pytest.fixture
def member(homezone: RunningHomezone) -> Client:
    return homezone.member()


def test_options_say_what_is_offered(homezone: RunningHomezone) -> None:
    reply = homezone.with_token(None).request("OPTIONS", "/v1/uploads").ok(204)
    assert reply.headers["tus-version"] == "1.0.0"
    assert reply.headers["tus-resumable"] == "1.0.0"
    assert set(reply.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "checksum", "termination"
    }  # fmt: skip
    assert reply.headers["tus-checksum-algorithm"] == "sha1,sha256"
    assert reply.headers["tus-max-size"] == "50000000"


def test_an_upload_is_created_sent_in_pieces_and_told_of(member: Client) -> None:
    created = begin(member, 10, Upload_Metadata="filename aHkuanBn,is_cover").ok(201)
    assert created.headers["tus-resumable"] == "1.0.0"
    at = created.headers["location"]
    head = member.request("HEAD", at, headers=RESUMABLE).ok(200)
    assert head.headers["upload-length"] == "10"
    assert head.headers["upload-offset"] == "0"
    assert head.headers["upload-metadata"] == "filename aHkuanBn,is_cover"
    sent = send(member, at, 0, b"first").ok(204)
    assert sent.headers["upload-offset"] == "5"
    assert parsedate_to_datetime(sent.headers["upload-expires"]).tzinfo is not None
    assert offset(member, at) == 5
    assert send(member, at, 5, b"after").ok(204).headers["upload-offset"] == "10"


def test_the_first_bytes_may_come_along(member: Client) -> None:
    headers = {**RESUMABLE, **BYTES, "Upload-Length": "9"}
    created = member.request("POST", "/v1/uploads", raw=b"first", headers=headers).ok(201)
    assert created.headers["upload-offset"] == "5"
    assert offset(member, created.headers["location"]) == 5


def test_each_request_speaks_the_protocol(member: Client) -> None:
    at = location(member, 10)
    old = {"Tus-Resumable": "0.2.2", "Upload-Length": "5"}
    refused = member.request("POST", "/v1/uploads", headers=old).refused(412, "tus-version")
    assert refused.headers["tus-version"] == "1.0.0"
    assert refused.headers["tus-resumable"] == "1.0.0"
    member.request("POST", "/v1/uploads", headers=RESUMABLE).refused(400, "invalid")
    begin(member, 10, Upload_Defer_Length="1").refused(400, "invalid")
    begin(member, 10, Upload_Metadata="name not+base64!").refused(400, "invalid")
    send(member, at, 0, b"x", Upload_Checksum="md5 AAAA").refused(400, "invalid")
    send(member, at, 0, b"x", Content_Type="image/jpeg").refused(415, "unsupported-media-type")
    send(member, at, 3, b"x").refused(409, "upload-offset")
    assert offset(member, at) == 0


def test_no_more_is_taken_than_was_said(member: Client) -> None:
    at = location(member, 3)
    send(member, at, 0, b"four").refused(413, "upload-too-large")
    assert offset(member, at) == 0
    begin(member, 50_000_001).refused(413, "upload-too-large")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_does_not_match_its_checksum_is_not_kept(member: Client, algorithm: str) -> None:
    data = os.urandom(5 * MEBI)
    at = location(member, len(data))
    damaged = b"?" + data[1:]
    send(member, at, 0, damaged, **checksum(data, algorithm)).refused(460, "checksum-mismatch")
    assert offset(member, at) == 0
    send(member, at, 0, data, **checksum(data, algorithm)).ok(204)
    assert offset(member, at) == len(data)


def test_what_arrived_before_the_connection_broke_is_kept(
    homezone: RunningHomezone, member: Client
) -> None:
    data = os.urandom(6 * MEBI)
    at = location(member, len(data))
    broken = Dropped(member, homezone.port, at, 0, len(data))
    broken.send(data[: 3 * MEBI + 17])
    broken.cut()
    eventually(lambda: offset(member, at) > 2 * MEBI)
    kept = offset(member, at)
    assert kept <= 3 * MEBI + 17
    send(member, at, kept, data[kept:]).ok(204)
    assert offset(member, at) == len(data)


def test_whoever_comes_back_takes_over_from_a_connection_that_hangs(
    homezone: RunningHomezone, member: Client
) -> None:
    data = os.urandom(3 * MEBI)
    at = location(member, len(data))
    hanging = Dropped(member, homezone.port, at, 0, len(data))
    hanging.send(data[: 2 * MEBI])
    eventually(lambda: offset(member, at) == 2 * MEBI)
    began = time.monotonic()
    send(member, at, 2 * MEBI, data[2 * MEBI :]).ok(204)
    assert time.monotonic() - began < 10
    hanging.cut()
    assert offset(member, at) == len(data)


def test_an_upload_outlives_the_server(server_url: str, tmp_path: Path) -> None:
    data = os.urandom(3 * MEBI)
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, cells=1) as first:
            member = first.member()
            at = location(member, len(data))
            send(member, at, 0, data[:MEBI]).ok(204)
        with running_homezone(url, tmp_path, cells=1) as second:
            again = second.client(member.qq)
            assert offset(again, at) == MEBI
            send(again, at, MEBI, data[MEBI:]).ok(204)
            assert offset(again, at) == len(data)


def test_post_stands_for_the_method_that_it_names(member: Client) -> None:
    """For clients whose network lets neither PATCH nor DELETE pass."""
    data = b"0123456789"
    at = location(member, len(data))

    def meant(method: str, raw: bytes | None = None, **more: str) -> Reply:
        named = {**RESUMABLE, **more, "X-HTTP-Method-Override": method}
        return member.request("POST", at, raw=raw, headers=named)

    meant("PATCH", data[:4], **BYTES, **{"Upload-Offset": "0"}).ok(204)
    assert meant("head").ok(200).headers["upload-offset"] == "4"
    assert offset(member, at) == 4
    meant("PATCH", data[4:], **BYTES, **{"Upload-Offset": "9"}).refused(409, "upload-offset")
    meant("PUT").refused(405, "method-not-allowed")
    member.request("POST", at, headers=RESUMABLE).refused(405, "method-not-allowed")
    member.request("POST", "/v1/me", headers={"X-HTTP-Method-Override": "PATCH"}).refused(405)
    meant("DELETE").ok(204)
    member.request("HEAD", at, headers=RESUMABLE).refused(404)


def test_an_upload_is_its_members_alone(homezone: RunningHomezone, member: Client) -> None:
    at = location(member, 10)
    other = homezone.member()
    for upload in (at, at[:-12] + "0" * 12):
        other.request("HEAD", upload, headers=RESUMABLE).ok(404)
        send(other, upload, 0, b"x").refused(404, "not-found")
        other.request("DELETE", upload, headers=RESUMABLE).refused(404, "not-found")
    assert offset(member, at) == 0


def test_what_is_forgotten_is_gone(member: Client) -> None:
    at = location(member, 10)
    send(member, at, 0, b"first").ok(204)
    member.request("DELETE", at, headers=RESUMABLE).ok(204)
    member.request("HEAD", at, headers=RESUMABLE).ok(404)
    send(member, at, 5, b"after").refused(404, "not-found")


def test_uploads_expire_after_a_day(later: RunningHomezone, moved: Moved) -> None:
    member = later.member()
    at = location(member, 10)
    send(member, at, 0, b"first").ok(204)
    moved.ahead += timedelta(hours=24, seconds=1)
    member = later.client(member.qq)
    send(member, at, 5, b"after").refused(410, "upload-expired")
    member.request("HEAD", at, headers=RESUMABLE).ok(410)


def test_what_is_on_its_way_counts_against_the_quota(server_url: str, tmp_path: Path) -> None:
    gibi = 1 << 30
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path, cells=1, upload_bytes_max=4 * gibi) as homezone,
    ):
        member = homezone.member()
        first = location(member, 2 * gibi)
        begin(member, gibi + 1).refused(409, "quota-exceeded")
        last = location(member, gibi)
        begin(member, 1).refused(409, "quota-exceeded")
        for at in (first, last):
            member.request("DELETE", at, headers=RESUMABLE).ok(204)
        location(member, 3 * gibi)


def test_a_suspended_member_begins_none(homezone: RunningHomezone, member: Client) -> None:
    begin(homezone.client(99_999_999_998), 10).refused(403, "no-account")


def test_a_store_that_is_away_says_so_and_comes_back(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    for name, value in S3(f"http://127.0.0.1:{port}").environment.items():
        monkeypatch.setenv(name, value)
    with (
        fresh_database(server_url) as url,
        running_homezone(url, tmp_path, cells=1, object_store="s3://photos/here") as homezone,
    ):
        member = homezone.member()
        away = begin(member, 5).refused(503, "unavailable")
        assert int(away.headers["retry-after"]) > 0
        member.publish().ok()
        with running_s3(port) as s3:
            s3.make_bucket("photos")
            at = location(member, 5)
            send(member, at, 0, b"bytes").ok(204)
            assert offset(member, at) == 5


def test_nothing_of_it_is_plain_on_disk(homezone: RunningHomezone, member: Client) -> None:
    said = b"plain-bytes-of-a-photo" * 1000
    at = location(member, len(said) + 1, Upload_Metadata="filename c2VjcmV0LW5hbWU=")
    send(member, at, 0, said).ok(204)
    folder = homezone.homezone.settings.data_dir / "photos"
    stored = [path for path in folder.rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        content = path.read_bytes()
        assert b"plain-bytes-of-a-photo" not in content
        assert b"c2VjcmV0LW5hbWU" not in content
