"""
From the answer on, nobody publishes under old rules: on no server, and not after a restart.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.screened import HELD, REFUSED, rule, rules, say
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone


def test_nothing_passes_once_its_rule_is_answered(homezone: RunningHomezone) -> None:
    """Members publish all the while; whatever is sent after the answer is refused, everywhere."""
    members = homezone.members(12)
    word = "frobnagle"
    answered: list[float] = []

    def go_on(member: Client) -> list[tuple[float, int]]:
        said: list[tuple[float, int]] = []
        while not answered or time.monotonic() < answered[0] + 0.3:
            sent = time.monotonic()
            said.append((sent, say(member, word).status))
        return said

    with ThreadPoolExecutor(len(members)) as threads:
        running = [threads.submit(go_on, member) for member in members]
        time.sleep(0.3)
        rules(homezone, "sudden", [rule("s", word, "block")]).ok(200)
        answered.append(time.monotonic())
        said = [one for done in running for one in done.result()]
    assert any(status == 201 for _, status in said), "it could be said before"
    after = {status for sent, status in said if sent > answered[0]}
    assert after == {422}


def test_another_server_screens_by_the_same_rules(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        one = running_homezone(url, tmp_path, cells=3)
        with one as first:
            author = first.member()
            assert say(author, "frumplewort").json["state"] == "published"
            with running_homezone(url, tmp_path, cells=3) as second:
                there = second.with_token(second.token(author.qq), author.qq)
                assert say(there, "frumplewort").json["state"] == "published"
                rules(first, "here", [rule("f", "frumplewort", "hold")]).ok(200)
                assert say(there, "frumplewort").json["state"] == "held", "it was told of nothing"
                rules(second, "here", []).ok(200)
                assert say(author, "frumplewort").json["state"] == "published"


def test_rules_are_in_force_after_a_restart(server_url: str, tmp_path: Path) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, cells=2) as homezone:
            author = homezone.member()
            rules(homezone).ok(200)
        with running_homezone(url, tmp_path, cells=2) as homezone:
            again = homezone.with_token(homezone.token(author.qq), author.qq)
            say(again, REFUSED).refused(422, "not-published")
            assert say(again, HELD).json["state"] == "held"
