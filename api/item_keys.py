"""
The policy that destroys the keys of what was deleted long enough ago.

That a thing is destroyed is an event; its key goes because of that event, now or, where the server
died first, as soon as it is back. What a backup knows to be destroyed, a restore destroys again.
"""

from collections.abc import Sequence
from typing import Final

from api.pages import FIRST
from api.services import Services
from commands.policies import Policy, Reaction
from domain.event import Recorded
from domain.ids import AlbumId
from domain.retention import ContentDestroyed
from domain.sealed import KeyClass
from projections.reading.photos import photos_of
from projections.reading.posts import Mark

DESTROY_ITEM_KEYS: Final = "destroy-item-keys"
#: Keys that are destroyed in one transaction.
_AT_ONCE: Final = 200


class DestroyItemKeys(Policy):
    """Destroys keys; done again, it finds them destroyed."""

    def __init__(self, services: Services) -> None:
        types = frozenset({ContentDestroyed})
        super().__init__(DESTROY_ITEM_KEYS, types, _nothing, services.executor)
        self._services = services

    async def react(self, recorded: Recorded) -> None:
        """
        Destroy what an event says is destroyed.

        :raises VaultFault: the keys' database failed.
        """
        event = recorded.event
        assert isinstance(event, ContentDestroyed)
        services, content = self._services, KeyClass.CONTENT
        await services.vault.destroy_items(event.author, content, [event.item])
        mark: Mark | None = FIRST if event.kind == "album" else None
        while mark is not None:
            photos, mark = await services.look(photos_of, AlbumId(event.item), mark, _AT_ONCE)
            await services.vault.destroy_items(event.author, content, photos)


def _nothing(_: Recorded) -> Sequence[Reaction]:
    return ()
