"""
The bytes of what was deleted go, whoever dies or is away meanwhile; and nobody deletes twice.
"""

from collections.abc import Iterable
from pathlib import Path

from commands.pictures import ObjectsUnavailable, Pictures
from domain.picture import Rendition
from tests.acceptance.test_albums import add, album, objects
from tests.acceptance.test_timers import sever
from tests.support.database import fresh_database
from tests.support.homezone import Client, RunningHomezone, running_homezone
from tests.support.waiting import eventually


def deleted(member: Client) -> tuple[str, int]:
    """
    Delete a photo, and an album of two that another was moved out of; what is still shown, and how
    many objects that has.
    """
    kept, going = album(member), album(member)
    one, moved = add(member, kept, 1), add(member, going, 2)
    add(member, going, 3)
    member.patch(f"/v1/photos/{moved}", {"album": kept}).ok(200)
    # Nobody waits until read models have heard of this one.
    add(member, going, 4)
    for path in (f"photos/{one}", f"albums/{going}"):
        member.delete(f"/v1/{path}").ok(200)
    return moved, 3


def test_what_a_server_died_before_removing_is_removed_by_the_next(
    server_url: str, tmp_path: Path
) -> None:
    with fresh_database(server_url) as url:
        with running_homezone(url, tmp_path, cells=4) as homezone:
            member = homezone.member()
            sever(homezone)
            moved, count = deleted(member)
            assert len(objects(homezone)) == 4 * 3, "nothing has been removed"
        with running_homezone(url, tmp_path) as homezone:
            eventually(lambda: len(objects(homezone)) == count)
            again = homezone.with_token(member.token, member.qq)
            again.get(f"/v1/photos/{moved}/content", size="original").ok(200)


class Away:
    """A store that takes no deletions for a while."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.refused = 0
        self.away = True

    async def drop(self, renditions: Iterable[Rendition]) -> None:
        if self.away:
            self.refused += 1
            raise ObjectsUnavailable("the store is away")
        await self._pictures.drop(renditions)

    def __getattr__(self, name: str) -> object:
        return getattr(self._pictures, name)


def test_what_a_store_that_is_away_keeps_goes_once_it_is_back(
    database_url: str, tmp_path: Path
) -> None:
    with running_homezone(database_url, tmp_path, cells=4) as homezone:
        services = homezone.homezone.services
        away = Away(services.pictures)
        services.pictures = away  # type: ignore[assignment]
        member = homezone.member()
        moved, count = deleted(member)
        eventually(lambda: away.refused >= 2)
        assert len(objects(homezone)) == 4 * 3
        assert stopped(homezone)
        away.away = False
        eventually(lambda: len(objects(homezone)) == count)
        eventually(lambda: not stopped(homezone))
        member.get(f"/v1/photos/{moved}/content").ok(200)


def stopped(homezone: RunningHomezone) -> bool:
    """Whether the policy is; nobody is sent away for that."""
    ready = homezone.operator.get("/readyz").ok(200).json
    (how,) = [one["condition"] for one in ready["subscribers"] if one["name"] == "clear-photos"]
    return bool(how == "failed")
