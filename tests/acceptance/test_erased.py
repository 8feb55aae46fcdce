"""
Keys that were destroyed change no read model: a check is exact to the byte, and counts what nobody
can read any more.
"""

import asyncio
from uuid import UUID, uuid4

from api.wiring.keys import destroyed_keys
from api.wiring.models import MODELS
from domain.sealed import KeyClass
from replay.check import Checked, check
from replay.rebuild import rebuild
from tests.support.homezone import RunningHomezone


def _checked(homezone: RunningHomezone) -> dict[str, Checked]:
    parts = homezone.homezone
    gone = destroyed_keys(parts.settings.keys_dir)
    done = check(
        parts.log.reader, parts.database.owner, MODELS, parts.clock, uuid4(), destroyed=gone
    )
    return {one.model: one for one in done}


def test_what_was_erased_is_counted_and_makes_no_difference(homezone: RunningHomezone) -> None:
    member, other = homezone.members(2)
    for text in ("独怜幽草涧边生", "上有黄鹂深树鸣"):
        member.publish(text)
    other.publish("春潮带雨晚来急")
    member.publish(kind="poll", poll={"options": ["野渡", "无人", "舟自横"]})
    parts = homezone.homezone
    member.get("/v1/me", at_least=homezone.everything()).ok(200)
    before = _checked(homezone)
    owner = UUID(member.get("/v1/me").json["id"])
    assert parts.vault.destroy(owner, KeyClass.CONTENT)

    after = _checked(homezone)
    assert {one.differing for one in after.values()} == {0}
    assert after["posts"].erased - before["posts"].erased == 3
    assert after["polls"].erased - before["polls"].erased == 3
    assert after["members"].erased == before["members"].erased, "another class of key"

    rebuild(parts.log.reader, parts.database.owner, MODELS, parts.clock, uuid4())
    again = _checked(homezone)
    assert {one.differing for one in again.values()} == {0}
    assert again["posts"].erased == after["posts"].erased


def test_what_was_erased_of_one_thing_is_counted_alone(homezone: RunningHomezone) -> None:
    (member,) = homezone.members(1)
    gone = member.publish("野渡无人舟自横").json["id"]
    member.publish("月落乌啼霜满天")
    member.get("/v1/me", at_least=homezone.everything()).ok(200)
    before = _checked(homezone)
    owner = UUID(member.get("/v1/me").json["id"])
    vault = homezone.homezone.vault
    gone_now = vault.destroy_items(owner, KeyClass.CONTENT, [UUID(gone)])
    assert asyncio.run_coroutine_threadsafe(gone_now, homezone.loop).result(10) == 1

    after = _checked(homezone)
    assert {one.differing for one in after.values()} == {0}
    assert after["posts"].erased - before["posts"].erased == 1
