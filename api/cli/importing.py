"""
``homezone import``: a copy of a member's space, brought in here.
"""

import asyncio
from pathlib import Path

from api.cli.failures import Failed
from api.exports.importing import Importer, told
from api.exports.reading import BadCopy, CopyReader
from api.wiring.aside import executor_beside
from api.wiring.store import Store, open_store
from commands.directory import Directory


def run_import(file: Path, data_dir: Path, database_url: str | None, user: int | None) -> None:
    """Bring it in, and say what became of it."""
    try:
        copy = CopyReader(file)
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}", 2) from None
    except BadCopy as error:
        raise Failed(f"{file}: {error}") from None
    try:
        qq = copy.manifest.qq if user is None else user
        if qq is None:
            raise Failed(f"{file} does not say whose it is: name a member by --user", 2)
        with open_store(data_dir, database_url) as store:
            for line in asyncio.run(_bring(copy, store, data_dir / "keys", qq)):
                print(line)
    except BadCopy as error:
        raise Failed(f"{file}: {error}") from None
    finally:
        copy.close()


async def _bring(copy: CopyReader, store: Store, keys: Path, qq: int) -> list[str]:
    with executor_beside(store, keys, screened=True) as executor:
        member = await Directory(executor.log, executor.vault).find(qq)
        if member is None:
            raise Failed(f"there is no member {qq} here: open an account first")
        importer = Importer(executor, member)
        await importer.bring(copy)
        return list(told(importer.counts))
