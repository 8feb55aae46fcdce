"""
How long an erasure waits, and what is retained after it: options of whatever may begin one.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from cyclopts import Group, Parameter

from api.cli.failures import Failed
from domain.erasure import Terms

_GROUP = Group("Erasure")
_LENGTH: Final = re.compile(r"(\d{1,9})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: Calendars end.
_LONGEST: Final = timedelta(days=36_525)


def _option(environment: str, help: str) -> Parameter:
    return Parameter(env_var=environment, help=help, group=_GROUP)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ErasureOptions:
    """Lengths of time as 90s, 30m, 1h or 14d."""

    erasure_wait: Annotated[
        str, _option("ERASURE_WAIT", "Between asking to be forgotten and no way back.")
    ] = "14d"
    retain_content: Annotated[
        str, _option("RETAIN_CONTENT", "Keys of what a member wrote, after that.")
    ] = "0d"
    retain_identity: Annotated[
        str, _option("RETAIN_IDENTITY", "Keys of who they are, after that.")
    ] = "0d"
    retain_moderation: Annotated[
        str, _option("RETAIN_MODERATION", "Keys of what was said in cases, after that.")
    ] = "183d"
    retain_billing: Annotated[
        str, _option("RETAIN_BILLING", "Keys of what was said of payments, after that.")
    ] = "3653d"

    @property
    def terms(self) -> Terms:
        """
        The terms.

        :raises Failed: one of them is no length of time.
        """
        return Terms(
            _length("erasure-wait", self.erasure_wait),
            _length("retain-content", self.retain_content),
            _length("retain-identity", self.retain_identity),
            _length("retain-moderation", self.retain_moderation),
            _length("retain-billing", self.retain_billing),
        )


def _length(name: str, text: str) -> timedelta:
    match = _LENGTH.fullmatch(text)
    length = None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})
    if length is None or length > _LONGEST:
        raise Failed(f"--{name} takes a number and a unit, such as 30m, 1h or 14d", 2)
    return length
