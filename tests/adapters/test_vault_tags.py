"""
What stands for a member in digest records: made with the key of their identity, and gone with it.
"""

import asyncio
from pathlib import Path
from uuid import uuid4

from adapters.clock import SystemClock
from adapters.vault import FileKeyVault
from domain.sealed import KeyClass


def test_a_tag_dies_with_the_identity_and_with_nothing_else(tmp_path: Path) -> None:
    one, other, nobody = uuid4(), uuid4(), uuid4()
    vault = FileKeyVault(tmp_path, SystemClock())
    for member in (one, other):
        asyncio.run(vault.prepare(member, (KeyClass.IDENTITY, KeyClass.CONTENT)))
    tag = vault.tag(one)
    assert tag is not None
    assert len(tag) == 16
    assert vault.tag(one) == tag != vault.tag(other)
    assert vault.tag(nobody) is None
    vault.destroy(one, KeyClass.CONTENT)
    assert vault.tag(one) == tag
    again = FileKeyVault(tmp_path, SystemClock(), recheck_seconds=0.0)
    assert again.tag(one) == tag
    vault.destroy(one, KeyClass.IDENTITY)
    assert vault.tag(one) is None
    assert again.tag(one) is None
    assert vault.tag(other) is not None
    again.close()
    vault.close()
