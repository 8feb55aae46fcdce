"""
How large files are, for people: three figures or so, in the unit that fits.
"""

from typing import Final

_UNITS: Final = ("kB", "MB", "GB", "TB")


def in_words(size: int) -> str:
    """
    A size in a unit of which it has one at least, as far as there is such a unit.

    :param size: in bytes.
    """
    if size < 1_000:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1_000
        # What would be printed as 1,000.0 is one of the next.
        if value < 999.95 or unit == _UNITS[-1]:
            break
    return f"{value:,.1f} {unit}"
