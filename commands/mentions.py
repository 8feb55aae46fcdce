"""
Whom the words of a post mention: ``@10001``, or who is named beside them.

That nobody has a number is told to nobody: it would tell who has one. So what names nobody is
passed over, and whether a mention shows is for whoever reads to find out.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Final

from commands.directory import Directory
from domain.ids import MemberId

#: Of one post; what comes after that is only words.
MENTIONS_MAX: Final = 20

_MENTION: Final = re.compile(r"(?<![0-9A-Za-z_@])@([1-9][0-9]{4,10})(?![0-9])")


def numbers_in(text: str) -> list[int]:
    """The QQ numbers that a text mentions, each once, in order."""
    if "@" not in text:
        return []
    return list(dict.fromkeys(map(int, _MENTION.findall(text))))


async def mentioned(
    directory: Directory, author: MemberId, numbers: Iterable[int]
) -> tuple[MemberId, ...]:
    """The members who have these numbers, the author aside, each once, in order."""
    wanted = list(dict.fromkeys(numbers))[:MENTIONS_MAX]
    if not wanted:
        return ()
    found = await asyncio.gather(*map(directory.find, wanted))
    return tuple(one for one in found if one is not None and one != author)
