"""
Who may see what: the one rule, as a table.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audience import Audience, Friends, Listed, OnlyMe, Public, Relation, visible
from tests.domain.people import BELA

AUTHOR = Relation(is_author=True)
STRANGER = Relation()
FRIEND = Relation(friends=True)
LISTED = Relation(listed=True)
LISTED_FRIEND = Relation(friends=True, listed=True)
AUDIENCES: list[Audience] = [Public(), Friends(), Listed(frozenset({BELA})), OnlyMe()]

# fmt: off
TABLE: list[tuple[Relation, list[bool]]] = [
    #                public friends list   only_me
    (AUTHOR,        [True,  True,   True,  True]),
    (STRANGER,      [True,  False,  False, False]),
    (FRIEND,        [True,  True,   False, False]),
    (LISTED,        [True,  False,  True,  False]),
    (LISTED_FRIEND, [True,  True,   True,  False]),
]
# fmt: on


@pytest.mark.parametrize(("relation", "seen"), TABLE)
def test_who_sees_what_is_there(relation: Relation, seen: list[bool]) -> None:
    assert [visible(True, audience, relation) for audience in AUDIENCES] == seen


RELATIONS = st.builds(Relation, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(st.sampled_from(AUDIENCES), RELATIONS)
def test_what_is_gone_is_gone_for_everyone_its_author_too(
    audience: Audience, relation: Relation
) -> None:
    assert not visible(False, audience, relation)


@pytest.mark.parametrize(("friends", "listed"), [*product([False, True], repeat=2)])
def test_a_block_hides_everything_whatever_else_there_is(friends: bool, listed: bool) -> None:
    blocked = Relation(friends=friends, listed=listed, blocked=True)
    assert not any(visible(True, audience, blocked) for audience in AUDIENCES)
