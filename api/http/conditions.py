"""
Versions as ETags (RFC 9110, section 13).

A thing's version is its stream's, so its ETag is that number in quotes: ``"12"``. A change may be
made conditional on it by ``If-Match``; a reader who has it already gets 304.
"""

import re

from api.http.problems import VERSION_MISMATCH, ProblemError, bad_parameter

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_LENGTH_MAX = 1000


class IfMatch:
    """The versions on which a change is conditional."""

    __slots__ = ("_any", "_tags")

    def __init__(self, text: str) -> None:
        """
        :raises ProblemError: 400 that names ``If-Match`` when it is malformed.
        """
        self._any = text.strip() == "*"
        # Compared strongly: a weak tag is well-formed and never matches.
        self._tags = () if self._any else tuple(t for weak, t in _tags(text) if not weak)

    def admits(self, version: int | str) -> bool:
        """Whether the change may be made to this version."""
        return self._any or str(version) in self._tags


def check_version(condition: IfMatch | None, version: int | str) -> None:
    """
    Refuse a change that is conditional on another version.

    :raises ProblemError: 412.
    """
    if condition is not None and not condition.admits(version):
        raise ProblemError(VERSION_MISMATCH)


def unchanged(if_none_match: str, etag: str) -> bool:
    """Whether a reader's copies include the one with ``etag``; compared weakly."""
    if if_none_match.strip() == "*":
        return True
    try:
        return any(f'"{tag}"' == etag for _, tag in _tags(if_none_match))
    except ProblemError:
        # A condition on a read only saves bytes: what cannot be understood is not one.
        return False


def _tags(text: str) -> list[tuple[str, str]]:
    tags, at = [], 0
    while at < len(text) <= _LENGTH_MAX:
        matched = _TAG.match(text, at)
        if matched is None:
            break
        tags.append((matched[1], matched[2]))
        at = matched.end()
    if at != len(text) or not tags or text.rstrip().endswith(","):
        raise bad_parameter("If-Match", 'not "*" or a list of quoted versions')
    return tags
