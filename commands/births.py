"""
When members were born, which says what minors may pay and what their guardians may undo.
"""

from datetime import date

from commands.directory import Directory
from commands.work import Work
from domain.account import NUMBER, Claimed, Opened


async def birth_date(work: Work, directory: Directory, account: Opened) -> date | None:
    """
    A member's birth date, which stands with the claim of the number, sealed; None when its key is
    gone. The command stands or falls with it.
    """
    qq = work.vault.open(account.names.qq)
    if qq is None:
        return None
    number = await work.load(NUMBER, directory.stream(int(qq)))
    birth = work.vault.open(number.identity.birth_date) if isinstance(number, Claimed) else None
    return None if birth is None else date.fromisoformat(birth)
