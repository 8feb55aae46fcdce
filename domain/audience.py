"""
Who may see what: the one rule that every surface passes.

A post names its audience, two members stand in a relation, and :func:`visible` says whether the one
is in the other. Commands ask it of states, reads of rows; there is no second rule.
"""

from typing import TypeAlias

import msgspec

from domain.ids import ListId, MemberId

LISTED_MAX = 500


class Public(msgspec.Struct, frozen=True, tag_field="to", tag="public", gc=False):
    """Every member whom the author has not blocked."""


class Friends(msgspec.Struct, frozen=True, tag_field="to", tag="friends", gc=False):
    """The author's friends."""


class OnlyMe(msgspec.Struct, frozen=True, tag_field="to", tag="only_me", gc=False):
    """The author alone."""


class Listed(msgspec.Struct, frozen=True, tag_field="to", tag="list", gc=False):
    """The members named with the post; or those of a named list, as it stands when read."""

    members: frozenset[MemberId] = frozenset()
    named: ListId | None = None


Audience: TypeAlias = Public | Friends | OnlyMe | Listed


class Relation(msgspec.Struct, frozen=True, gc=False):
    """
    How a viewer stands to an author.

    ``blocked`` is true when either has blocked the other; ``listed`` when the viewer is on the list
    that the content's audience names.
    """

    is_author: bool = False
    friends: bool = False
    blocked: bool = False
    listed: bool = False


def visible(live: bool, audience: Audience, relation: Relation) -> bool:
    """
    Whether content is there for a viewer.

    :param live: its own state lets others see it; what is deleted is gone for its author as well.
    """
    if not live:
        return False
    if relation.is_author:
        return True
    if relation.blocked:
        return False
    match audience:
        case Public():
            return True
        case Friends():
            return relation.friends
        case Listed():
            return relation.listed
        case OnlyMe():
            return False
