"""
``homezone import``: a copy of a member's space, brought in here.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from api.cli.failures import Failed
from api.cli.options import PhotoOptions
from api.exports.importing import Importer, told
from api.exports.reading import BadCopy, CopyReader
from api.wiring.aside import executor_beside, photos_beside
from api.wiring.pictures import Photos, objects_of
from api.wiring.store import Store, open_store
from commands.directory import Directory
from commands.executor import Executor

Keeping: TypeAlias = Callable[[Executor], AbstractAsyncContextManager[Photos]]


def run_import(
    file: Path,
    data_dir: Path,
    database_url: str | None,
    user: int | None,
    photos: PhotoOptions,
) -> None:
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
            objects = objects_of(data_dir, photos.object_store)
            keeping = partial(photos_beside, objects=objects, length_max=photos.upload_max)
            for line in asyncio.run(_bring(copy, store, data_dir / "keys", keeping, qq)):
                print(line)
    except BadCopy as error:
        raise Failed(f"{file}: {error}") from None
    finally:
        copy.close()


async def _bring(
    copy: CopyReader, store: Store, keys: Path, keeping: Keeping, qq: int
) -> list[str]:
    with executor_beside(store, keys, screened=True) as executor:
        member = await Directory(executor.log, executor.vault).find(qq)
        if member is None:
            raise Failed(f"there is no member {qq} here: open an account first")
        async with keeping(executor) as photos:
            importer = Importer(executor, member, photos.uploads, photos.pictures)
            await importer.bring(copy)
        return list(told(importer.counts))
