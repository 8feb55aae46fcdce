"""
The process that makes a bundle, apart from whoever asked: a server goes on serving, at its own
pace, in its own memory.

Run as ``python -m replay.bundles.process``; :mod:`replay.bundles.words` holds the words.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

from adapters.clock import SystemClock
from adapters.database import Database
from adapters.log.postgres import PostgresLog
from adapters.vault import FileKeyVault
from domain.catalogue import EVENTS
from domain.evidence.bundles import BadBundle
from domain.evidence.notes import Verifier
from domain.evidence.questions import Filter
from replay.altered import Altered
from replay.bundles.choosing import NoSuchRange, NotSigned
from replay.bundles.making import Asked, Step, make
from replay.bundles.vaults import destroyed_in
from replay.bundles.words import Done, Failed, Job, Progress, Word, decode_job, encode

_TELL_SECONDS: Final = 0.25
#: The notary signs once a second; what was written just now is waited for.
_WAIT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.25


def main() -> None:
    """Do the job on standard input; the last word tells how it ended."""
    try:
        job = decode_job(sys.stdin.buffer.read())
        os.nice(job.niceness)
        _say(_do(job))
    except BrokenPipeError:
        # Whoever asked is gone.
        os._exit(1)
    except NotSigned:
        _say(Failed("not-signed", "the notary has not come that far"))
    except NoSuchRange as error:
        _say(Failed("no-such-range", str(error)))
    except (Altered, BadBundle) as error:
        _say(Failed("altered", str(error)))
    except Exception as error:  # noqa: BLE001 - no traceback ever meets a user
        _say(Failed("failed", f"{type(error).__name__}: {error}"))


def _do(job: Job) -> Done:
    database = Database(job.database_url, "homezone-bundle")
    log = PostgresLog(database, EVENTS, SystemClock(), notify=False)
    vault = FileKeyVault(Path(job.keys), SystemClock())
    asked = Asked(job.since, job.until, Filter(job.kind, job.owner, job.stream))
    give_up_at = time.monotonic() + _WAIT_SECONDS
    try:
        while True:
            try:
                made = make(
                    database.server,
                    log.reader.heads_at,
                    asked,
                    Path(job.out),
                    destroyed=destroyed_in(vault),
                    witnesses=[Verifier.parse(one) for one in job.witnesses],
                    on_step=_Teller(),
                )
                break
            except NotSigned:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_RETRY_SECONDS)
    finally:
        vault.close()
        log.close()
        database.dispose()
    size = Path(job.out).stat().st_size
    return Done(size, made.reckoned.events, made.reckoned.records, made.checkpoint)


class _Teller:
    """Says how far it is, a few times a second."""

    def __init__(self) -> None:
        self._tell_at = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if now >= self._tell_at:
            self._tell_at = now + _TELL_SECONDS
            _say(Progress(step.done, step.total))


def _say(word: Word) -> None:
    sys.stdout.buffer.write(encode(word))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
