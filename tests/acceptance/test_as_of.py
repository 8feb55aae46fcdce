"""
The past, as auditors see it: any read as of a moment.
"""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.conftest import Homezones
from tests.support.homezone import RunningHomezone

SEALED = {"sealed": True}
PURPOSE = {"Homezone-Purpose": "a court order: 2026-11"}


@pytest.fixture(params=[16, 1])
def each(request: pytest.FixtureRequest, homezones: Homezones) -> RunningHomezone:
    """A server of 16 cells, then one of 1."""
    return homezones(request.param)


def back(homezone: RunningHomezone, path: str, at: str, **query: Any) -> Any:
    """An auditor's read, for a purpose."""
    reader = homezone.client(10_011, "auditor")
    asked = urlencode({**query, "as_of": at})
    return reader.request("GET", f"{path}?{asked}", headers=PURPOSE)


def test_a_post_is_as_it_was(each: RunningHomezone) -> None:
    author, friend = each.members(2)
    author.befriend(friend)
    post = author.publish("一", "friends").json["id"]
    first = each.everything()
    author.request("PATCH", f"/v1/posts/{post}", {"text": "二"}).ok()
    friend.comment(post, "三").ok()
    second = each.everything()
    author.delete(f"/v1/posts/{post}").ok()
    path = f"/v1/posts/{post}"
    before, after = back(each, path, first).ok(200).json, back(each, path, second).ok(200).json
    assert (before["text"], before["comments"]) == ("一", 0)
    assert (after["text"], after["comments"]) == ("二", 1)
    assert back(each, path, each.everything()).status == 404
    (comment,) = back(each, f"{path}/comments", second).ok(200).json["items"]
    assert comment["text"] == "三"
