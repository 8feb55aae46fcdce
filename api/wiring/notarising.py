"""
The notary in the process that feeds read models: a thread with a loop of its own.

It costs a few microseconds an event, and hashing lets other threads in; a process of its own would
cost more memory than that. If it cannot start, everything else runs, and ``status`` shows its lag.
"""

import asyncio
import logging
import threading
from pathlib import Path
from uuid import UUID

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.notary.key import KeyFile, NotaryFault, SignedLast
from adapters.vault import FileKeyVault, VaultFault
from api.settings import Settings
from domain.evidence.notes import Verifier
from projections.engine.feeder import NotaryKeys
from replay.notary import Notary

logger = logging.getLogger("homezone.notary")

#: Members' keys in memory: those of a batch, and of whoever was busy lately.
_KEYS_IN_MEMORY = 10_000
_STOP_SECONDS = 5.0


def notary_keys(settings: Settings, lent: bytes | None) -> NotaryKeys | None:
    """
    What a server's notary works with; None where it has none.

    :param lent: the master key, by the server's own vault.
    """
    if not settings.notary:
        return None
    file = settings.notary_key or settings.keys_dir / "notary.key"
    return NotaryKeys(str(settings.keys_dir), str(file), settings.notary_name, lent)


def witnesses_of(settings: Settings) -> list[Verifier]:
    """Whose cosignatures are taken."""
    return [Verifier.parse(one) for one in settings.witnesses]


class NotaryThread:
    """Runs the notary until it is stopped."""

    def __init__(self, keys: NotaryKeys, holder: UUID, database: Database) -> None:
        self._keys = keys
        self._holder = holder
        self._database = database
        self._notary: Notary | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="notary", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Something was committed; from any thread."""
        if self._notary is not None:
            self._notary.wake()

    def stop(self) -> None:
        """Finish the transaction in hand; not for ever."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._work())
        except (NotaryFault, VaultFault, OSError) as error:
            logger.error("the notary cannot start", exc_info=error)

    async def _work(self) -> None:
        file = Path(self._keys.file)
        keys = KeyFile(file, self._keys.name)
        _ = keys.keys
        vault = FileKeyVault(
            Path(self._keys.vault),
            SystemClock(),
            cache_size=_KEYS_IN_MEMORY,
            lent=self._keys.lent,
        )
        try:
            self._notary = Notary(
                self._database.server,
                SystemClock(),
                self._holder,
                keys,
                vault.tag,
                SignedLast(file.with_suffix(".head")),
            )
            self._notary.start()
            await self._stopping.wait()
            await self._notary.stop()
        finally:
            vault.close()
